"""Admin pages of scheduled work: jobs, schedules, runs, the night, and discrepancies."""

from hub.scheduled.admin.discrepancies import DiscrepancyAdmin
from hub.scheduled.admin.jobs import JobAdmin
from hub.scheduled.admin.runs import RunAdmin
from hub.scheduled.admin.schedules import JobScheduleAdmin

__all__ = ["DiscrepancyAdmin", "JobAdmin", "JobScheduleAdmin", "RunAdmin"]
