"""Read the waiting lines of a log, from a given line on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, takewhile

from hub.scheduled.log_intake.lines import unpack_lines
from hub.scheduled.models import LogChunk, LogPosition

CHUNKS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class WaitingLines:
    """Lines of a log, each `<seconds> <JSON>`; `received_at` is that of the first line."""

    first_line: int
    lines: list[bytes]
    received_at: datetime


def read_waiting_lines(
    position: LogPosition, first_line: int, *, max_bytes: int, max_lines: int | None = None
) -> WaitingLines | None:
    """Return the lines from `first_line` on, as many as the limits allow but at least one.

    None if there are none.
    """
    chunks = _choose_chunks(position, first_line, max_bytes)
    if not chunks:
        return None
    bodies = LogChunk.unscoped.in_bulk([chunk_id for chunk_id, _, _ in chunks])
    lines = [
        line
        for chunk_id, first, _ in chunks
        for line in unpack_lines(bodies[chunk_id].body)[max(0, first_line - first) :]
    ]
    sizes = takewhile(lambda size: size <= max_bytes, accumulate(len(line) + 1 for line in lines))
    count = max(1, sum(1 for _ in sizes))
    if max_lines is not None:
        count = min(count, max_lines)
    return WaitingLines(first_line, lines[:count], bodies[chunks[0][0]].received_at)


def _choose_chunks(
    position: LogPosition, first_line: int, max_bytes: int
) -> list[tuple[int, int, int]]:
    """Return id, first line and size of the chunks from a line on, up to the size limit.

    Both queries use the index on lines, and read none of the earlier chunks.
    """
    chunks = LogChunk.unscoped.filter(tenant=position.tenant_id, source=position.log.source)
    before = chunks.filter(first_line__lte=first_line).order_by("-first_line")
    with_line = before.values_list("first_line", "line_count").first()
    if with_line is None or sum(with_line) <= first_line:
        return []
    rows = chunks.filter(first_line__gte=with_line[0]).order_by("first_line")
    oldest_chunks = rows.values_list("pk", "first_line", "size")[:CHUNKS_AT_ONCE]
    return list(_take_until_full(iter(oldest_chunks), max_bytes))


def _take_until_full(
    rows: Iterator[tuple[int, int, int]], max_bytes: int
) -> Iterator[tuple[int, int, int]]:
    """Yield chunks up to the size limit; the first may begin before it, and does not count."""
    filled = 0
    for number, row in enumerate(rows):
        if filled >= max_bytes:
            return
        filled += row[2] if number else 0
        yield row
