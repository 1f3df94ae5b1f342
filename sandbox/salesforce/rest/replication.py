"""The ids of records that were changed or deleted between two times, and the recycle bin.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getdeleted.htm
and resources_getupdated.htm (2026-11): a range of 30 days at most, by minutes. Deleted records are
in the recycle bin for 15 days; then queryAll has them no more.
"""

from datetime import UTC, datetime, timedelta

from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.records import Record
from sandbox.salesforce.rest.resources import RestRequest
from sandbox.salesforce.soql.conditions import parse_moment, stamp_of
from sandbox.system import ApiResponse

RANGE_MAX = timedelta(days=30)
IN_RECYCLE_BIN = timedelta(days=15)


def list_deleted(request: RestRequest, name: str) -> ApiResponse:
    start, end = read_range(request)
    rows = [row for row in list_rows(request, name, start, end) if row["IsDeleted"]]
    deleted = [{"id": row["Id"], "deletedDate": row["SystemModstamp"]} for row in rows]
    earliest = stamp_of(datetime.fromtimestamp(request.at, UTC) - IN_RECYCLE_BIN)
    covered = {"earliestDateAvailable": earliest, "latestDateCovered": stamp_of(end)}
    return ApiResponse(200, {"deletedRecords": deleted, **covered})


def list_updated(request: RestRequest, name: str) -> ApiResponse:
    start, end = read_range(request)
    rows = [row for row in list_rows(request, name, start, end) if not row["IsDeleted"]]
    return ApiResponse(
        200, {"ids": [row["Id"] for row in rows], "latestDateCovered": stamp_of(end)}
    )


def is_in_bin(row: Record, at: float) -> bool:
    """Return whether a deleted record is in the recycle bin still."""
    age = datetime.fromtimestamp(at, UTC) - parse_moment(row["SystemModstamp"])
    return age < IN_RECYCLE_BIN


def list_rows(request: RestRequest, name: str, start: datetime, end: datetime) -> list[Record]:
    rows = [
        row
        for row in request.rows(request.kind(name), deleted=True)
        if start <= parse_moment(row["SystemModstamp"]) < end
        and (not row.get("IsDeleted") or is_in_bin(row, request.at))
    ]
    return sorted(rows, key=lambda row: (row["SystemModstamp"], row["Id"]))


def read_range(request: RestRequest) -> tuple[datetime, datetime]:
    """Return start and end, cut to minutes."""
    try:
        start, end = (
            datetime.fromisoformat(request.query[name]).replace(second=0, microsecond=0)
            for name in ("start", "end")
        )
        is_valid = timedelta(minutes=1) <= end - start <= RANGE_MAX
    except (KeyError, TypeError, ValueError):
        is_valid = False
    if not is_valid:
        message = "start and end are times of at most 30 days, the end a minute later at least"
        raise Refusal(400, "INVALID_REPLICATION_DATE", message)
    return start.astimezone(UTC), end.astimezone(UTC)
