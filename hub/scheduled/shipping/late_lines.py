"""Find lines of our application that become visible after lines with greater ids.

A line gets its id before its transaction commits, so a line with a smaller id can appear later. The
lines since a mark that is old enough are read again, and those that are known are left out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.roles import Collection
from hub.scheduled.log_intake.lines import unpack_lines
from hub.scheduled.models import Log, LogChunk

TIME_PRECISION = timedelta(seconds=1)
SETTLED_AFTER = timedelta(minutes=5)  # no line appears later before one that was read
MARK_EVERY = timedelta(seconds=30)  # of a read, so that one of many pages keeps few marks


@dataclass(frozen=True, slots=True)
class ReadMark:
    """The greatest id that was read by `read_at`, in seconds since 1970.

    Every line after it was stored at that time or later.
    """

    id: str
    read_at: float


def parse_marks(cursor: Mapping[str, Any], *, now: datetime) -> list[ReadMark]:
    """Return the marks of a log, oldest first, without those before the newest settled one.

    There is at least one; the id of the beginning is empty.
    """
    # an earlier version stored the last id that was read, without its time
    first_mark = [cursor["after"], 0.0] if "after" in cursor else ["", now.timestamp()]
    marks = [ReadMark(*mark) for mark in cursor.get("marks", [first_mark])]
    return _drop_settled(marks, now=now.timestamp())


def add_mark(marks: Sequence[ReadMark], mark: ReadMark) -> list[ReadMark]:
    """Return the marks with a newer one; it replaces one that is too close to the one before."""
    earlier = list(marks)
    if len(earlier) > 1 and earlier[-1].read_at - earlier[-2].read_at < MARK_EVERY.total_seconds():
        earlier.pop()
    return _drop_settled([*earlier, mark], now=mark.read_at)


def _drop_settled(marks: Sequence[ReadMark], *, now: float) -> list[ReadMark]:
    useful_marks, settled_at = list(marks), now - SETTLED_AFTER.total_seconds()
    while len(useful_marks) > 1 and useful_marks[1].read_at <= settled_at:
        useful_marks.pop(0)
    return useful_marks


def dump_marks(marks: Sequence[ReadMark]) -> dict[str, Any]:
    """Return the read cursor of a log with these marks."""
    return {"marks": [[mark.id, mark.read_at] for mark in marks]}


def find_known_ids(log: Log, marks: Sequence[ReadMark], collection: Collection) -> set[str]:
    """Return the ids of the lines that were stored since the first mark."""
    since = datetime.fromtimestamp(marks[0].read_at, UTC) - TIME_PRECISION
    chunks = LogChunk.unscoped.filter(
        tenant=log.tenant_id, source=log.source, received_at__gte=since
    )
    bodies = chunks.values_list("body", flat=True)
    lines = (line for body in bodies.iterator() for line in unpack_lines(body))
    return {collection.record_id(json.loads(line.partition(b" ")[2])) for line in lines}
