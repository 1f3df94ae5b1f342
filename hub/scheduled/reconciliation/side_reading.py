"""Read both sides page by page, and stage the records together with the cursor."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors.roles import Collection
from hub.connections.models import Connection
from hub.scheduled.models import Run
from hub.scheduled.reading import ReadPage, read_pages
from hub.scheduled.reconciliation.declared_options import LOCAL_CONNECTOR
from hub.scheduled.reconciliation.options import ReconcileOptions, SideOptions
from hub.scheduled.reconciliation.progress import (
    LOCAL_SIDE,
    REMOTE_SIDE,
    Progress,
    ReadState,
)
from hub.scheduled.reconciliation.staging import insert_staged
from hub.scheduled.reconciliation.values.extraction import Record, RecordExtractor, StagedRow
from hub.scheduled.reconciliation.values.pairs import load_pairs
from hub.scheduled.runs.context import RunContext, RunDeferred, RunFailed

# what a system's clock may be behind ours, and what a change may take to become readable
CLOCK_MARGIN = timedelta(minutes=6)
CHANGES_ATTEMPTS = 3  # to read the changes completely


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the comparison: its collection, and how its records are staged."""

    name: str
    connection: Connection
    paired_connection: Connection  # within which identities are looked up
    collection: Collection
    options: SideOptions
    query: dict[str, str]
    extractor: RecordExtractor

    @property
    def is_local(self) -> bool:
        return self.name == LOCAL_SIDE


async def open_sides(context: RunContext, options: ReconcileOptions) -> tuple[Side, Side]:
    """Return our side and the other one. Raises RunBlocked if one cannot be called."""
    remote = await context.find_connection()
    local = await context.find_connection(LOCAL_CONNECTOR)
    return (
        _open_side(context, options, LOCAL_SIDE, local, remote),
        _open_side(context, options, REMOTE_SIDE, remote, remote),
    )


def _open_side(
    context: RunContext,
    options: ReconcileOptions,
    name: str,
    connection: Connection,
    paired_connection: Connection,
) -> Side:
    side: SideOptions = getattr(options, name)
    matches = [entry for entry in connection.connector.collections if entry.key == side.collection]
    if not matches:
        raise RunFailed("options_invalid", f"no collection {side.collection}", can_retry=False)
    (collection,) = matches
    query = side.build_query(collection)
    if collection.reads_deleted:
        query["deleted"] = "true"
    extractor = RecordExtractor(options, collection, is_local=name == LOCAL_SIDE)
    return Side(name, connection, paired_connection, collection, side, query, extractor)


async def run_together(first: Awaitable[Any], second: Awaitable[Any]) -> None:
    """Wait for both; if one fails, the other is cancelled and awaited, and the error is raised.

    If one only waits for its system, the other is read to its end before.
    """
    tasks = [asyncio.ensure_future(first), asyncio.ensure_future(second)]
    try:
        await asyncio.gather(*tasks)
    except RunDeferred:
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_sides(
    context: RunContext, sides: Sequence[Side], progress: Progress, *, since: datetime | None
) -> None:
    """Read the remaining pages of both sides at the same time; with `since` only changes."""
    first, second = (
        _read_side(context, side, progress, name=side.name, round=0, since=since) for side in sides
    )
    await run_together(first, second)


async def read_whole_side(context: RunContext, side: Side, progress: Progress) -> None:
    """Read all of a side of which only changes were read, as the other side's changes need it."""
    await _read_side(context, side, progress, name=f"whole.{side.name}", round=0, since=None)


async def read_changes(context: RunContext, sides: Sequence[Side], progress: Progress) -> bool:
    """Read the changes since the last read; return False if this completed an interrupted read.

    In that case there may be later changes, which must be read before anything is judged.
    """
    changes = progress.cursor.get("changes")
    is_resumed = changes is not None
    for attempt in range(CHANGES_ATTEMPTS):
        if changes is None or attempt:
            changes = await _begin_changes(context, progress)
        since = datetime.fromisoformat(changes["since"])
        first, second = (
            _read_side(
                context,
                side,
                progress,
                name=f"changes.{side.name}",
                round=changes["round"],
                since=since,
            )
            for side in sides
        )
        await run_together(first, second)
        if all(progress.read_state(f"changes.{side.name}").is_complete for side in sides):
            await progress.save({"changes": None, "covered_at": changes["began_at"]})
            return not is_resumed
    raise RunFailed("changes_incomplete", "what changed during the run could not be read")


async def _begin_changes(context: RunContext, progress: Progress) -> dict[str, Any]:
    """Begin another read of changes, which starts from where the last complete one began."""
    covered_at = progress.cursor.get("covered_at", progress.cursor["began_at"])
    number = progress.cursor.get("round", 0) + 1
    changes = {
        "round": number,
        "since": (datetime.fromisoformat(covered_at) - CLOCK_MARGIN).isoformat(),
        "began_at": context.now().isoformat(),
    }
    reads = dict(progress.cursor.get("reads", {}))
    for name in (LOCAL_SIDE, REMOTE_SIDE):
        reads.pop(f"changes.{name}", None)
    await progress.save({"changes": changes, "round": number, "reads": reads})
    return changes


async def _read_side(
    context: RunContext,
    side: Side,
    progress: Progress,
    *,
    name: str,
    round: int,
    since: datetime | None,
) -> None:
    """Read the remaining pages of one read; each is stored with the cursor after it."""
    state = progress.read_state(name)
    if state.is_done:
        return
    query = {**side.query, "since": since.isoformat()} if since else side.query
    pages = read_pages(context, side.connection, side.collection, query, cursor=state.cursor)
    async for page in pages:
        selected = side.options.select(side.collection, page.records)
        page = replace(page, records=selected)
        rows = await context.in_database(partial(stage_rows, side, selected))
        state = _next_state(state, page)
        await progress.save_read(
            name,
            state,
            write=partial(_insert, context.run, rows, is_local=side.is_local, round=round),
        )
    if not state.is_done:
        await progress.save_read(name, replace(state, is_done=True))


def _next_state(state: ReadState, page: ReadPage) -> ReadState:
    return ReadState(
        page.cursor,
        state.pages + 1,
        state.records + len(page.records),
        page.is_complete,
        is_done=not page.cursor,
    )


def _insert(run: Run, rows: Sequence[StagedRow], *, is_local: bool, round: int) -> None:
    insert_staged(run, rows, is_local=is_local, round=round)


def stage_rows(side: Side, records: Sequence[Record]) -> list[StagedRow]:
    """Convert the records of a page to staged rows."""
    pairs = load_pairs(side.paired_connection, side.extractor, records)
    return [side.extractor.extract(record, pairs) for record in records]
