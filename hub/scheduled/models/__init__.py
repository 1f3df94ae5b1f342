"""Models of scheduled work: job -> run -> discrepancy, staged records, and log chunks."""

from hub.scheduled.models.discrepancies import LOCAL, REMOTE, Discrepancy, StagedRecord
from hub.scheduled.models.jobs import (
    BULK_KIND,
    GAP_KIND,
    HUB_KINDS,
    Job,
    JobSchedule,
    name_hub_job,
)
from hub.scheduled.models.log_chunks import Log, LogChunk, LogPosition, LogSource
from hub.scheduled.models.runs import Run, RunLogEntry

__all__ = [
    "BULK_KIND",
    "GAP_KIND",
    "HUB_KINDS",
    "LOCAL",
    "REMOTE",
    "Discrepancy",
    "Job",
    "JobSchedule",
    "Log",
    "LogChunk",
    "LogPosition",
    "LogSource",
    "Run",
    "RunLogEntry",
    "StagedRecord",
    "name_hub_job",
]
