"""The roles of a connector: what it declares that it can do, a file for each role."""

from connectors.roles.actions import Action, RecordToWrite, RequestRefused
from connectors.roles.bulk_jobs import (
    BulkForm,
    BulkRead,
    BulkRecord,
    BulkWrite,
    ReadJob,
    RecordResult,
    WriteJob,
    WriteJobState,
)
from connectors.roles.collections import Choices, Collection, Page, parse_instant
from connectors.roles.log_sinks import BatchAnswer, LineFormat, LogSink

__all__ = [
    "Action",
    "BatchAnswer",
    "BulkForm",
    "BulkRead",
    "BulkRecord",
    "BulkWrite",
    "Choices",
    "Collection",
    "LineFormat",
    "LogSink",
    "Page",
    "ReadJob",
    "RecordResult",
    "RecordToWrite",
    "RequestRefused",
    "WriteJob",
    "WriteJobState",
    "parse_instant",
]
