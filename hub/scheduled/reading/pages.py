"""Read a collection to its end, never endlessly, and determine whether the read was complete."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.outcomes import PERMISSION_MISSING, Outcome
from connectors.roles import Collection, Page
from hub.connections.models import Connection
from hub.scheduled.reading.bulk_pages import fetch_next_page, is_of_job
from hub.scheduled.reading.position import ProgressWatch, ReadPosition, parse_position
from hub.scheduled.reading.requests import PageSource, open_source, raise_refusal, read_ids
from hub.scheduled.runs.context import RunContext

PAGES_MAX = 50_000
LOG_KIND_LENGTH = 40  # characters
# An interruption up to this is one of our own: a run changes its worker each minute.
SHORT_INTERRUPTION = timedelta(minutes=5)
CLOCK_TOLERANCE = timedelta(minutes=1)  # of the system's clock against ours


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Records of one page, and the state of the read up to here.

    `cursor` continues after this page, also after a restart; "": the read has ended. `is_complete`:
    nothing is missing so far; on the last page this applies to the whole read. `reason` is a code
    that says why something may be missing.
    """

    records: Sequence[Mapping[str, Any]]
    cursor: str
    is_complete: bool
    reason: str = ""


async def read_pages(
    context: RunContext,
    connection: Connection,
    collection: Collection,
    query: Mapping[str, Any],
    *,
    cursor: str = "",
) -> AsyncIterator[ReadPage]:
    """Read the pages after `cursor` (of an earlier page) to the end. There is at least one page.

    Very many records are read by a job of the system, where that takes fewer calls: the run is
    then deferred while the system prepares them (RunDeferred).

    A record that changes meanwhile may be read twice; the later one is newer. The read ends as
    incomplete if a page cannot be read after several attempts, or if a page brings no progress.
    Raises RunFailed if the first page is refused, RunBlocked if a person must act, and
    InvalidPosition for a cursor of another read.
    """
    source = await open_source(context, connection, collection, query)
    earlier = parse_position(cursor)
    position = await _resume(source, earlier)
    await _log_incompleteness(source, earlier.reason, position.reason)
    watch = ProgressWatch(empty_pages_max=collection.empty_pages_max)
    while True:
        page = await fetch_next_page(source, position)
        if isinstance(page, Outcome):
            end = _end_after_refusal(position, page)
            await _log_incompleteness(source, position.reason, end.reason)
            yield end
            return
        earlier = position
        obstacle = _find_obstacle(watch, earlier, page, read_ids(collection, page.records))
        position = (
            earlier.with_reason(_describe_gap(page))
            .with_reason(obstacle)
            .after_page(page.cursor, now=context.now())
        )
        await _log_incompleteness(source, earlier.reason, position.reason)
        is_last = bool(obstacle) or not page.cursor
        next_cursor = "" if is_last else position.to_text()
        yield ReadPage(page.records, next_cursor, not position.reason, position.reason)
        if is_last:
            return


async def _log_incompleteness(source: PageSource, known_reason: str, reason: str) -> None:
    """Write into the run's log why the read has become incomplete, once."""
    if reason and not known_reason:
        kind = f"read_{reason}"[:LOG_KIND_LENGTH]
        await source.context.log(kind, level="warning", collection=source.collection.key)


def _describe_gap(page: Page) -> str:
    return "" if page.is_complete else page.reason or "incomplete"


def _find_obstacle(
    watch: ProgressWatch, position: ReadPosition, page: Page, ids: Sequence[str]
) -> str:
    """Return why the read cannot continue after this page; "" if it can, or if it was the last."""
    if not page.cursor:
        return ""
    if position.page_count + 1 >= PAGES_MAX:
        return "too_many_pages"
    return watch.find_problem(page.cursor, ids)


def _end_after_refusal(position: ReadPosition, outcome: Outcome) -> ReadPage:
    """Return the end of a read whose next page is refused. Raises RunFailed and RunBlocked.

    The records read so far remain usable if only this page is refused.
    """
    is_final = outcome.kind == "never" and outcome.reason != PERMISSION_MISSING
    if position.page_count == 0 or not is_final:
        raise_refusal(outcome)
    return ReadPage((), "", is_complete=False, reason=position.reason or outcome.reason)


async def _resume(source: PageSource, position: ReadPosition) -> ReadPosition:
    """Return the position, marked as incomplete if the data changed during a long interruption."""
    interruption = source.context.now() - (position.read_at or source.context.now())
    if position.reason or position.read_at is None or interruption <= SHORT_INTERRUPTION:
        return position
    if is_of_job(position.cursor):  # its results do not change
        return position
    if "since" in source.query:  # it reads what changed, whenever that was
        return position
    if not source.collection.reads_changes:
        return position.with_reason("resumed")
    is_unchanged = await _is_unchanged(source, since=position.read_at - CLOCK_TOLERANCE)
    return position if is_unchanged else position.with_reason("changed_meanwhile")


async def _is_unchanged(source: PageSource, *, since: datetime) -> bool:
    """Return if no record has changed, by asking the system. Raises RunFailed and RunBlocked."""
    deleted = {"deleted": "true"} if source.collection.reads_deleted else {}
    cursor = ""
    while True:
        page = await source.fetch_page(cursor, since=since.isoformat(), page_size="1", **deleted)
        if isinstance(page, Outcome):
            raise_refusal(page)
        if page.records or not page.is_complete or not page.cursor:
            return page.is_complete and not page.records
        cursor = page.cursor  # of the next part
