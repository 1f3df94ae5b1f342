"""Admin pages of scheduled work: jobs, runs, the night, discrepancies, and log shipping."""

from hub.scheduled.admin.discrepancies import DiscrepancyAdmin
from hub.scheduled.admin.jobs import JobAdmin
from hub.scheduled.admin.log_positions import LogPositionAdmin
from hub.scheduled.admin.runs import RunAdmin
from hub.scheduled.admin.schedules import JobScheduleAdmin

__all__ = ["DiscrepancyAdmin", "JobAdmin", "JobScheduleAdmin", "LogPositionAdmin", "RunAdmin"]
