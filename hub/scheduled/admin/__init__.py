"""Admin pages of scheduled work."""

from hub.scheduled.admin.discrepancies import DiscrepancyAdmin

__all__ = ["DiscrepancyAdmin"]
