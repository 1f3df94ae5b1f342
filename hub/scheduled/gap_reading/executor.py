"""Read the due gaps of a connection: what changed in each, and was not received.

The account is asked for first, as another one's changes may not be read. Each page is stored with
its changes, the counts of the gap and the run's cursor in one transaction, so a run that is killed
continues behind it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.outcomes import PERMISSION_MISSING, READ_ERRORS
from connectors.webhook_sources import Feed, RecordChange, WebhookSource
from hub.connections.models import Connection
from hub.incoming.gaps import cancel_gaps, find_sources, reading
from hub.incoming.models import InboundEndpoint, InboundGap
from hub.incoming.processing.attribution import OTHER_ACCOUNT
from hub.incoming.processing.known_changes.read_changes import build_window
from hub.incoming.receiving.read_records import find_new_changes, receive_record_changes
from hub.incoming.registration.installation.address import find_former_url
from hub.incoming.registration.wanted import find_wanted_types
from hub.processes.failpoints import failpoint
from hub.scheduled.gap_reading.preparation import (
    describe_credential,
    is_own_account,
    lacks_permission,
    load_parameters,
)
from hub.scheduled.gap_reading.start import due_gaps
from hub.scheduled.reading import ReadPage, read_pages
from hub.scheduled.runs.context import RunBlocked, RunContext

DELETED = ".deleted"


@dataclass(frozen=True, slots=True)
class Progress:
    """The gap that a run reads, between two times, and the cursor after its last page.

    `reason`: why something is missing. `read_count`: records of all gaps of the run. `parameters`:
    what a call said of the feed's query. `probed`: the account and credential that were asked for.
    """

    gap: str = ""
    since: str = ""
    until: str = ""
    page: str = ""
    has_all_pages: bool = False
    reason: str = ""
    read_count: int = 0
    page_count: int = 0
    parameters: Mapping[str, str] | None = None
    probed: str = ""


async def run_gap_reading(context: RunContext) -> Mapping[str, Any]:
    """Read the due gaps of the job's connection, the oldest first; return what was read.

    A copy of the installation reads nothing, as its changes belong to the original.
    """
    connection = await context.find_connection()
    progress, count = Progress(**context.run.cursor), 0
    if await context.in_database(find_former_url):
        return {"gaps": count, "read": progress.read_count}
    credential = await context.in_database(lambda: describe_credential(connection))
    if progress.probed != credential:
        if not await is_own_account(context, connection):
            await context.in_database(lambda: _cancel_all(connection, now=context.now()))
        progress = replace(progress, probed=credential)
    while gap := await context.in_database(lambda: _take_next(context, connection)):
        progress = await _GapRead(context, connection, gap).read(progress)
        count += 1
    return {"gaps": count, "read": progress.read_count}


def _take_next(context: RunContext, connection: Connection) -> InboundGap | None:
    """Return the gap that this run reads already, or take the oldest due one; None without any."""
    gaps = InboundGap.unscoped.select_related("source", "connection__tenant", "tenant")
    gaps = gaps.filter(connection=connection)
    taken = gaps.filter(state="reading", run_id=context.run.public_id).first()
    if taken is not None:
        return taken
    due_ids = due_gaps(now=context.now()).filter(connection=connection).values("pk")
    for gap in gaps.filter(pk__in=due_ids).order_by("from_at"):
        if reading.take_gap(gap, context.run.public_id, now=context.now()):
            return gap
    return None


def _cancel_all(connection: Connection, *, now: datetime) -> None:
    cancel_gaps(find_sources(connection.pk), OTHER_ACCOUNT, now=now)


def _find_end(gap: InboundGap, feed: Feed, *, now: datetime) -> datetime:
    """Return up to when a gap can be read now, in whole seconds, as systems compare them."""
    settled = (now - feed.settle).replace(microsecond=0)
    if gap.to_at is None:
        return settled
    return min((gap.to_at + timedelta(seconds=1)).replace(microsecond=0), settled)


@dataclass(frozen=True, slots=True)
class _GapRead:
    """The read of one gap, from its start to when its changes have settled."""

    context: RunContext
    connection: Connection
    gap: InboundGap

    async def read(self, progress: Progress) -> Progress:
        """Read the pages that are left; the gap is closed, or read again later."""
        context, gap = self.context, self.gap
        feed = reading.find_feed(self.connection, gap.source.object)
        assert feed is not None  # others are ended when they are due
        if progress.gap != str(gap.public_id):
            until = _find_end(gap, feed, now=context.now())
            progress = Progress(
                str(gap.public_id),
                gap.unread_from.isoformat(),
                until.isoformat(),
                read_count=progress.read_count,
                probed=progress.probed,
            )
        since, until = map(datetime.fromisoformat, (progress.since, progress.until))
        if since < until and not progress.has_all_pages:
            progress = await self._read_pages(feed, progress)
        lost, missing_to = await context.in_database(lambda: self._find_loss(feed, since))
        after = Progress(read_count=progress.read_count, probed=progress.probed)
        await context.save(
            asdict(after),
            done=progress.read_count,
            write=lambda: reading.finish_read(
                gap,
                since,
                until,
                reason=progress.reason or lost,
                missing_to=None if progress.reason else missing_to,
                settle=feed.settle,
                now=context.now(),
            ),
        )
        return after

    async def _read_pages(self, feed: Feed, progress: Progress) -> Progress:
        """Read and store the pages after the progress, as far as the account allows it."""
        if lacks_permission(self.connection, feed):
            return replace(progress, reason=reading.FEED_PERMISSION)
        try:
            progress = await self._prepare(feed, progress)
            async for page in self._open_pages(feed, progress):
                progress = await self._store_page(feed, page, progress)
                if page.cursor:
                    failpoint("G3")  # between two pages
                if page.cursor and 0 < feed.pages_max <= progress.page_count:
                    return replace(progress, reason=reading.TOO_MANY_CALLS)
                if not await self.context.in_database(lambda: reading.is_reading(self.gap)):
                    break
        except RunBlocked as blocked:
            if blocked.reason != PERMISSION_MISSING:
                raise
            return replace(progress, reason=reading.FEED_PERMISSION)
        return progress

    def _open_pages(self, feed: Feed, progress: Progress) -> AsyncIterator[ReadPage]:
        """Return the pages after the progress.

        Without an end, unless records keep their time: a record of the gap that has changed after
        it is listed only there.
        """
        connector = self.connection.connector
        collections = (*connector.collections, *connector.feed_collections)
        (collection,) = (entry for entry in collections if entry.key == feed.collection)
        # as systems compare times in whole seconds
        since = datetime.fromisoformat(progress.since).replace(microsecond=0).isoformat()
        query = {**feed.query, **(progress.parameters or {}), "since": since}
        if feed.has_end:
            query["until"] = progress.until
        return read_pages(self.context, self.connection, collection, query, cursor=progress.page)

    async def _prepare(self, feed: Feed, progress: Progress) -> Progress:
        """Return the progress with what a call says of the feed's query, stored with it."""
        if not feed.is_prepared or progress.parameters is not None:
            return progress
        parameters = await load_parameters(self.context, self.connection, feed)
        progress = replace(progress, parameters=parameters)
        await self.context.save(asdict(progress), done=progress.read_count)
        return progress

    async def _store_page(self, feed: Feed, page: ReadPage, progress: Progress) -> Progress:
        """Receive what is new in a page, in one transaction with counts and cursor."""
        context, connection, gap = self.context, self.connection, self.gap
        since, until = map(datetime.fromisoformat, (progress.since, progress.until))
        changes, unreadable = self._list_changes(feed, page.records, since, until)
        read = len({change.record for change in changes}) + unreadable
        new = await context.in_database(
            lambda: find_new_changes(connection, changes, now=context.now())
        )
        counts = reading.PageCounts(
            read=read,
            known=read - len({change.record for change in new}) - unreadable,
            new=len(new),
            deleted=sum(change.type.endswith(DELETED) for change in new),
            unreadable=unreadable,
            share=self._find_read_share(feed, changes, until),
        )
        after = replace(
            progress,
            page=page.cursor,
            has_all_pages=not page.cursor,
            reason="" if page.is_complete else page.reason,
            read_count=progress.read_count + read,
            page_count=progress.page_count + 1,
        )

        def write() -> None:
            window = build_window(str(gap.public_id), since, until)
            if reading.add_counts(gap, counts):
                receive_record_changes(connection, new, window=window, now=context.now())
            failpoint("G4")  # the cursor is stored, too, and nothing is committed

        await context.save(asdict(after), done=after.read_count, write=write)
        return after

    def _find_read_share(
        self, feed: Feed, changes: Sequence[RecordChange], until: datetime
    ) -> float:
        """Return how much of the gap's time was read, by the newest of changes; 0: not known."""
        begin, end = self.gap.from_at, self.gap.to_at or until
        if feed.has_end or begin >= end:  # the former are not in the order of time
            return 0.0
        times = (change.at for change in changes if begin <= change.at < end)
        return (max(times, default=begin) - begin) / (end - begin)

    def _list_changes(
        self,
        feed: Feed,
        records: Sequence[Mapping[str, Any]],
        since: datetime,
        until: datetime,
    ) -> tuple[list[RecordChange], int]:
        """Return the changes in the gap that records show, and how many were unreadable.

        A deletion counts whenever it was: the record may tell only of its last change before. What
        changed after the gap is left to its webhook.
        """
        changes: list[RecordChange] = []
        unreadable = 0
        for record in records:
            try:
                shown = self._webhook_source.record_changes(
                    feed.collection, record, account=self.connection.account
                )
            except READ_ERRORS:
                unreadable += 1
                continue
            changes += [
                change
                for change in shown
                if change.type.endswith(DELETED)
                or since.replace(microsecond=0) <= change.at < until
            ]
        return changes, unreadable

    def _find_loss(self, feed: Feed, since: datetime) -> tuple[str, datetime | None]:
        """Return why a read from a time cannot bring all that routes want, and until when."""
        if feed.kept_for is not None:
            kept_since = self.context.now() - feed.kept_for
            if since < kept_since:
                return reading.HISTORY_GONE, kept_since
        endpoint = InboundEndpoint.unscoped.filter(connection=self.connection).first()
        wanted = find_wanted_types(endpoint, self._webhook_source) if endpoint else ()
        lost = {f"{feed.object}.{change}" for change in feed.lost_changes}
        return (reading.CHANGES_NOT_LISTED if lost & set(wanted) else ""), None

    @property
    def _webhook_source(self) -> WebhookSource:
        source = self.connection.connector.webhook_source
        assert source is not None
        return source
