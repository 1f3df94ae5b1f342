"""The executor of log shipping: send the lines of one log to the tenant's system, in batches.

No line is lost: the position advances only over lines that the system accepted and, if it supports
that, acknowledged. A line arrives twice only if the response to its batch, or its acknowledgement,
was lost or late.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from hub.connections.credentials.connector_context import find_connector_app
from hub.scheduled.log_intake.backlog import WaitingLines, read_waiting_lines
from hub.scheduled.models import LogPosition
from hub.scheduled.runs.context import RunContext, RunFailed
from hub.scheduled.shipping.figures import measure_logs
from hub.scheduled.shipping.options import ShippingOptions, parse_shipping_options
from hub.scheduled.shipping.position import (
    PositionWriter,
    claim_position,
    find_next_line,
    release_position,
)
from hub.scheduled.shipping.sender import BatchSender
from hub.scheduled.shipping.shipment import Batch, Gap, Shipment
from hub.scheduled.shipping.sources import read_source
from hub.scheduled.shipping.work import delete_idle_run_before

# seconds between two looks for lines, while acknowledgements are awaited
NEW_LINES_LOOK_EVERY = 1.0
# seconds between two questions; Splunk advises about 10
ACKNOWLEDGEMENT_POLL_EVERY = (1.0, 2.0, 5.0, 10.0)
PENDING_BATCHES_MAX = 64  # batches that wait for an acknowledgement
ACKNOWLEDGEMENT_POLL_AFTER = 0.5  # seconds after a batch was sent
ACKNOWLEDGEMENT_POLLS_MAX = 16  # questions between two batches
BATCH_OVERTAKEN_AFTER = 60.0  # seconds without an acknowledgement, while a later batch has one
UNACKNOWLEDGED_TIMES_MAX = (
    3  # times that acknowledgements did not come, then the run is repeated later
)
REFUSED_LINES_MAX = 10  # lines that are refused, each alone, before one is accepted

Sleep = Callable[[float], Awaitable[object]]
FULL_BATCH_SHARE = 0.9  # of the bytes


async def run_shipping(context: RunContext) -> Mapping[str, Any]:
    """Ship the waiting lines of the job's log; return counts of lines and batches.

    A dry run only counts the lines that it would ship.
    """
    if context.run.is_dry:
        return await count_waiting_lines(context)
    return await Shipping(
        context, parse_shipping_options(context.job.options), sleep=asyncio.sleep
    ).ship()


async def count_waiting_lines(context: RunContext) -> dict[str, int]:
    """Count the lines that wait for this job, or for a first job that ships them."""
    source = parse_shipping_options(context.job.options).source
    figures = await context.in_database(lambda: measure_logs(context.tenant, now=context.now()))
    backlogs = {log.job: log.backlog for log in figures if log.source == source}
    return {"lines": backlogs.get(context.job, backlogs.get(None, 0))}


class Shipping:
    """One execution of a run. Its state is the position of the log: any process can continue."""

    def __init__(self, context: RunContext, options: ShippingOptions, *, sleep: Sleep) -> None:
        self.context, self.options, self.sleep = context, options, sleep
        self.limits = BatchLimits(options.batch_bytes)
        self.counts = dict.fromkeys(("lines", "batches", "sent_again", "rejected"), 0)
        self.has_accepted = False
        self.reading_failure: RunFailed | None = None
        self.unacknowledged_count = self.polls = 0
        self.next_poll = 0.0  # seconds since 1970
        self.asked_at: dict[Batch, float] = {}  # when each batch was asked about

    async def ship(self) -> dict[str, Any]:
        await self.begin()
        while await self.take_step():
            pass
        await self.context.in_database(partial(release_position, self.position, self.context.run))
        if not any(self.counts.values()):
            await self.context.in_database(partial(delete_idle_run_before, self.context.run))
        if self.reading_failure is not None:
            raise self.reading_failure
        return dict(self.counts)

    async def begin(self) -> None:
        """Claim the log, and append the new lines of its source."""
        context, source = self.context, self.options.source
        self.position: LogPosition = await context.in_database(
            partial(claim_position, context.tenant, source, context.run)
        )
        connection = await context.find_connection()
        app = await context.in_database(partial(find_connector_app, connection.connector_key))
        position = self.position
        self.shipment = Shipment(position.shipped_line, position.batches)
        self.writer = PositionWriter(position, context.run, position.shipped_line)
        self.sender = BatchSender(context, connection, app, position, self.options.line_format)
        try:
            await read_source(context, position, self.options)
        except RunFailed as failure:
            self.reading_failure = failure  # raised when what waits is shipped
        self.done = context.run.done_count
        next_line = await context.in_database(partial(find_next_line, position))
        self.expected = self.done + next_line - position.shipped_line

    async def take_step(self) -> bool:
        """Send a batch, or request acknowledgements; return whether there is more to do."""
        await self.poll_when_due()
        gap = self.shipment.find_gap()
        waiting = await self.context.in_database(partial(self.read_lines, gap))
        pending = self.shipment.pending()
        if waiting is None and not pending:
            return False
        if waiting is None or len(pending) >= PENDING_BATCHES_MAX:
            await self.sleep(NEW_LINES_LOOK_EVERY)
        elif (wait := self.seconds_to_fill(waiting, gap)) > 0:
            await self.sleep(min(wait, NEW_LINES_LOOK_EVERY))
        else:
            await self.send(waiting)
        return True

    def read_lines(self, gap: Gap) -> WaitingLines | None:
        counts = [count for count in (gap.count, self.limits.max_lines) if count is not None]
        return read_waiting_lines(
            self.position,
            gap.first,
            max_bytes=self.limits.max_bytes,
            max_lines=min(counts, default=None),
        )

    def seconds_to_fill(self, waiting: WaitingLines, gap: Gap) -> float:
        """Return how long a partly filled batch waits for more lines."""
        if gap.count is not None or self.limits.is_reached_by(waiting.lines):
            return 0.0
        age = (self.context.now() - waiting.received_at).total_seconds()
        return min(self.options.batch_seconds, max(0.0, self.options.batch_seconds - age))

    async def send(self, waiting: WaitingLines) -> None:
        channel = self.shipment.find_channel()
        answer = await self.sender.send(waiting, channel)
        self.counts["batches"] += 1
        sent_at = self.context.now().timestamp()
        self.shipment.record_answer(waiting.first_line, answer, channel=channel, now=sent_at)
        if answer.accepted_count:
            self.has_accepted = True
            self.limits.widen()
        elif len(waiting.lines) > 1:
            self.limits.narrow(len(waiting.lines))
        else:
            await self.refuse_line(waiting.first_line, answer.refusal)
        if self.has_accepted:
            self.shipment.reject_refused()
        await self.save()

    async def refuse_line(self, line: int, refusal: str) -> None:
        """Set aside a line that is refused alone; it is rejected once another line is accepted.

        Raises RunFailed if many lines are refused, as the cause is then not a single line.
        """
        if len(self.shipment.refused_lines()) >= REFUSED_LINES_MAX:
            raise RunFailed("log_lines_refused", refusal)
        self.shipment.record_refused(line)
        await self.context.log("line_refused", level="error", line=line, answer=refusal)

    async def poll_when_due(self) -> None:
        """Request acknowledgements of batches, and take out those without one in time."""
        now = self.context.now().timestamp()
        if not self.shipment.pending() or now < self.next_poll:
            return
        polled_batches = self.choose_polled_batches(now=now)
        acknowledged_count = await self.poll_acknowledgements(polled_batches)
        self.polls = 0 if acknowledged_count else self.polls + 1
        # otherwise the next question follows the next batch
        if acknowledged_count < ACKNOWLEDGEMENT_POLLS_MAX:
            self.next_poll = (
                now
                + ACKNOWLEDGEMENT_POLL_EVERY[min(self.polls, len(ACKNOWLEDGEMENT_POLL_EVERY) - 1)]
            )
        if unconfirmed_lines := self.shipment.remove_unacknowledged(
            polled_batches,
            sent_before_epoch=now - self.options.acknowledge_seconds,
            overtaken_before_epoch=now - BATCH_OVERTAKEN_AFTER,
        ):
            await self.save()
            await self.record_unacknowledged(unconfirmed_lines)

    def choose_polled_batches(self, *, now: float) -> list[Batch]:
        """Return the batches to ask about: those with the oldest request for an acknowledgement."""
        ripe = [
            batch
            for batch in self.shipment.pending()
            if now - batch.sent_at >= ACKNOWLEDGEMENT_POLL_AFTER
        ]
        ripe.sort(key=lambda batch: self.asked_at.get(batch, 0.0))
        chosen_batches = ripe[:ACKNOWLEDGEMENT_POLLS_MAX]
        self.asked_at = {batch: self.asked_at.get(batch, 0.0) for batch in ripe}
        self.asked_at.update(dict.fromkeys(chosen_batches, now))
        return chosen_batches

    async def poll_acknowledgements(self, batches: Sequence[Batch]) -> int:
        """Request the acknowledgement of each batch, and store it at once: it is told only once.

        Returns how many are acknowledged.
        """
        acknowledged_count = 0
        for batch in batches:
            if await self.sender.is_acknowledged(batch):
                self.shipment.acknowledge(batch)
                await self.save()
                acknowledged_count += 1
        return acknowledged_count

    async def record_unacknowledged(self, unconfirmed_lines: int) -> None:
        """Raise RunFailed if acknowledgements were missing several times in this run."""
        self.counts["sent_again"] += unconfirmed_lines
        self.unacknowledged_count += 1
        await self.context.log("not_acknowledged", level="warning", lines=unconfirmed_lines)
        if self.unacknowledged_count >= UNACKNOWLEDGED_TIMES_MAX:
            raise RunFailed("not_acknowledged", f"{unconfirmed_lines} lines")

    async def save(self) -> None:
        settled_lines, rejected = self.shipment.settle()
        self.done += settled_lines
        self.counts["lines"] += settled_lines - rejected
        self.counts["rejected"] += rejected
        store = partial(self.writer.store, self.shipment, rejected=rejected, now=self.context.now())
        expected = max(self.expected, self.done)
        await self.context.save({}, done=self.done, expected=expected, write=store)


class BatchLimits:
    """The limits of a batch. `max_lines` is None unless one was recently refused as a whole."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.max_lines: int | None = None
        self.refused_count = 0  # lines of the first batch that was refused

    def is_reached_by(self, lines: Sequence[bytes]) -> bool:
        size = sum(map(len, lines)) + len(lines)
        is_full = size >= self.max_bytes * FULL_BATCH_SHARE
        return is_full or (self.max_lines is not None and len(lines) >= self.max_lines)

    def narrow(self, line_count: int) -> None:
        """Halve the batch size, after this many lines were refused together."""
        self.refused_count = max(self.refused_count, line_count)
        self.max_lines = max(1, line_count // 2)

    def widen(self) -> None:
        """Increase the batch size again, after a batch was accepted."""
        if self.max_lines is not None:
            self.max_lines *= 4
            if self.max_lines >= self.refused_count:
                self.max_lines, self.refused_count = None, 0
