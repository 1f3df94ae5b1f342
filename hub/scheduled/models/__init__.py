"""Models of scheduled work: job -> run -> discrepancy, staged records, and log chunks."""

from hub.scheduled.models.discrepancies import LOCAL, REMOTE, Discrepancy, StagedRecord
from hub.scheduled.models.jobs import GAP_KIND, GAP_NAME_SUFFIX, Job, JobSchedule
from hub.scheduled.models.log_chunks import Log, LogChunk, LogPosition, LogSource
from hub.scheduled.models.runs import Run, RunLogEntry

__all__ = [
    "GAP_KIND",
    "GAP_NAME_SUFFIX",
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
]
