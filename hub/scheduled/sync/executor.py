"""Run a sync: read the changes since the last run, and receive those no webhook reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.outcomes import READ_ERRORS
from connectors.roles import Collection, parse_instant
from connectors.webhook_sources import RecordChange, WebhookSource
from hub.connections.models import Connection
from hub.incoming.receiving.read_records import find_new_changes, receive_record_changes
from hub.scheduled.models import JobSchedule
from hub.scheduled.reading import ReadPage, read_pages
from hub.scheduled.runs.context import RunContext, RunFailed, check_options
from hub.scheduled.sync.options import SyncOptions, parse_sync_options

INCOMPLETE = "read_incomplete"
CHANGED_UNTIL = "changed_until"  # in the cursor of the schedule: the last change that was read


@dataclass(frozen=True, slots=True)
class Progress:
    """What an interrupted run has read.

    `since`: the start of the read. `newest_change_at`: the last change. `cursor`: after the last
    page; "": before the first.
    """

    since: datetime
    newest_change_at: datetime
    cursor: str = ""  # the cursor after the last page; empty: before the first
    read_count: int = 0
    change_count: int = 0
    unreadable_count: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "newest": self.newest_change_at.isoformat(),
            "page": self.cursor,
            "read": self.read_count,
            "found": self.change_count,
            "unreadable": self.unreadable_count,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Progress":
        since, newest = map(datetime.fromisoformat, (document["since"], document["newest"]))
        counts = (document[name] for name in ("read", "found", "unreadable"))
        return cls(since, newest, document["page"], *counts)


@dataclass(slots=True)
class SyncRun:
    """One run: the records of a collection, as read through a connection."""

    context: RunContext
    options: SyncOptions
    connection: Connection
    collection: Collection
    source: WebhookSource

    async def read_all(self, progress: Progress) -> Progress:
        """Read the pages after the progress; each is stored with its changes.

        Raises RunFailed if the read was not complete.
        """
        query = {**self.options.query, "since": progress.since.isoformat()}
        pages = read_pages(
            self.context, self.connection, self.collection, query, cursor=progress.cursor
        )
        async for page in pages:
            progress = await self._store_page(progress, page)
            if not page.cursor and not page.is_complete:
                raise RunFailed(INCOMPLETE, page.reason)
        return progress

    async def _store_page(self, progress: Progress, page: ReadPage) -> Progress:
        """Receive the new changes of a page, in one transaction with the cursor after it."""
        context, connection = self.context, self.connection
        changes, unreadable = self._list_changes(page.records, progress.since)
        new = await context.in_database(
            lambda: find_new_changes(connection, changes, now=context.now())
        )
        times = [self.collection.changed_at(record) for record in page.records]
        newest = max([progress.newest_change_at, *(at for at in times if at)])
        after = replace(
            progress,
            cursor=page.cursor,
            read_count=progress.read_count + len(page.records),
            change_count=progress.change_count + len(new),
            unreadable_count=progress.unreadable_count + unreadable,
            # a time ahead of ours would hide the changes before it from the next run
            newest_change_at=min(newest, context.now()),
        )

        def receive() -> None:
            receive_record_changes(connection, new, now=context.now())

        write = None if context.run.is_dry else receive
        await context.save(after.to_json(), done=after.read_count, write=write)
        return after

    def _list_changes(
        self, records: Sequence[Mapping[str, Any]], since: datetime
    ) -> tuple[list[RecordChange], int]:
        """Return the wanted changes since a moment, and the number of unreadable records."""
        changes: list[RecordChange] = []
        unreadable = 0
        for record in records:
            try:
                record_changes = self.source.record_changes(
                    self.collection.key, record, account=self.connection.account
                )
            except READ_ERRORS:
                unreadable += 1
                continue
            changes += [
                change
                for change in record_changes
                if change.at >= since and change.type.rpartition(".")[2] in self.options.changes
            ]
        return changes, unreadable


async def run_sync(context: RunContext) -> Mapping[str, Any]:
    """Receive the changes that no webhook has reported, and return the run's result.

    A run begins before the last change that the previous run has read (`overlap`), so that changes
    which became visible late are not missed; changes that are stored already are not received
    again.
    """
    job = context.job
    check_options(job)
    run = await _open_run(context, parse_sync_options(job.options, job.connector_key))
    progress = await run.read_all(await _find_beginning(context, run.options))
    if not context.run.is_dry:
        await context.save(
            progress.to_json(),
            done=progress.read_count,
            expected=progress.read_count,
            write=lambda: _store_end(context, progress),
        )
    if progress.change_count:
        await context.log("changes_found", level="warning", count=progress.change_count)
    return {
        "since": progress.since.isoformat(),
        "until": progress.newest_change_at.isoformat(),
        "read": progress.read_count,
        "found": progress.change_count,
        "unreadable": progress.unreadable_count,
    }


async def _open_run(context: RunContext, options: SyncOptions) -> SyncRun:
    connection = await context.find_connection()
    connector = connection.connector
    (collection,) = (one for one in connector.collections if one.key == options.collection)
    assert connector.webhook_source is not None  # its options were checked
    return SyncRun(context, options, connection, collection, connector.webhook_source)


async def _find_beginning(context: RunContext, options: SyncOptions) -> Progress:
    """Return where an interrupted run continues, or a new one begins."""
    if "page" in context.run.cursor:
        return Progress.from_json(context.run.cursor)
    cursor = await context.in_database(lambda: _load_cursor(context))
    last = parse_instant(cursor.get(CHANGED_UNTIL))
    started = context.run.slot_at or context.run.created_at
    newest = last or started - options.lookback
    return Progress(newest - options.overlap if last else newest, newest)


def _load_cursor(context: RunContext) -> Mapping[str, Any]:
    schedules = JobSchedule.unscoped.filter(job=context.job, tenant=context.tenant)
    return schedules.values_list("cursor", flat=True).first() or {}


def _store_end(context: RunContext, progress: Progress) -> None:
    """Store where the next run begins."""
    schedules = JobSchedule.unscoped.filter(job=context.job, tenant=context.tenant)
    schedules.update(cursor={CHANGED_UNTIL: progress.newest_change_at.isoformat()})
