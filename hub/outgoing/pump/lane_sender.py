"""Send the batches of all claimed lanes concurrently, within its limit of calls in flight."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter

from hub import egress
from hub.connections.calls.authorization import CONNECTION_OUTCOMES
from hub.connections.calls.failures import classify_failure
from hub.connections.calls.reserved_call import pause_end, paused_scope_keys
from hub.db.clock import Clock
from hub.egress.sender import Sender
from hub.outgoing.pump.claiming.batch_sizing import BatchSizing
from hub.outgoing.pump.lease_keeper import LeaseKeeper
from hub.outgoing.pump.pacing import (
    CALL_MISSED_AFTER,
    LATE_AFTER,
    PacedLead,
    PausedScopes,
    measure_lateness,
)
from hub.outgoing.pump.settling.settler import Settler
from hub.outgoing.pump.types import (
    LaneBatch,
    NotSent,
    OutboundRequest,
    PumpRun,
    ScheduledBatch,
    ScheduledRequest,
    SendResult,
)
from hub.processes.failpoints import failpoint

BATCH_SECONDS = 2.0  # after which a batch begins no call, so that no other lane waits behind it


@dataclass(frozen=True, slots=True)
class BatchSending:
    """The sending of a batch: the requests that are left, and until when they may begin."""

    batch: LaneBatch
    schedule: Iterator[ScheduledRequest]
    lead: timedelta
    deadline: float  # of the loop's clock
    send: Sender


@dataclass(slots=True)
class LaneSender:
    """The lanes that are being sent, and the quota feedback of their responses."""

    run: PumpRun
    settler: Settler
    lease_keeper: LeaseKeeper
    sizing: BatchSizing
    lead: PacedLead
    paused_scopes: PausedScopes = field(default_factory=PausedScopes)
    lane_tasks: set[asyncio.Task[None]] = field(default_factory=set)
    calls_in_flight: int = 0  # that the served lanes may have
    failures: list[BaseException] = field(default_factory=list)  # errors of ours while sending

    def start_lane(self, batch: ScheduledBatch, send: Sender) -> None:
        """Send a batch in a task of its own."""
        task = asyncio.create_task(self.serve_lane(batch, send))
        self.lane_tasks.add(task)
        task.add_done_callback(self.lane_tasks.discard)

    async def serve_lane(self, scheduled_batch: ScheduledBatch, send: Sender) -> None:
        """Send a batch with at most `in_flight` calls at a time, and release its lane.

        An error of ours is added to `failures`, which end the run.
        """
        started_at = asyncio.get_running_loop().time()
        batch, requests = scheduled_batch.batch, scheduled_batch.requests
        schedule = iter(sorted(requests, key=attrgetter("at")))
        sending = BatchSending(
            batch, schedule, scheduled_batch.lead, started_at + BATCH_SECONDS, send
        )
        concurrency = min(batch.lane.in_flight, len(requests))
        self.calls_in_flight += concurrency
        workers = (self.send_until_exhausted(sending) for _ in range(concurrency))
        try:
            # the lane is released after the last call, even if a worker failed before
            results = await asyncio.gather(*workers, return_exceptions=True)
        finally:
            self.calls_in_flight -= concurrency
        if failures := [result for result in results if result is not None]:
            self.failures += failures
            for scheduled in schedule:  # none is left unless all workers failed
                self.settler.add_result(NotSent(batch, scheduled.request), scheduled.slots)
            return  # the lane is freed at the end of the run
        seconds = asyncio.get_running_loop().time() - started_at
        completed = not (batch.progress.is_out_of_time or batch.progress.is_too_large)
        self.sizing.record_batch(batch.lane.pk, seconds=seconds, completed=completed)
        self.settler.finish_batch(batch)

    async def send_until_exhausted(self, sending: BatchSending) -> None:
        """Send scheduled requests one after the other until none is left.

        `serve_lane` runs as many of these workers as calls may be in flight, each in a task of its
        own. Whether the lane's lease is safe is asked last before each request is written.
        """
        batch, is_first = sending.batch, True
        may_send = partial(self.lease_keeper.is_lease_safe, batch)
        # once for all calls of this task, as a context costs as much as building a request
        with (
            egress.lookups_for_tenant(batch.connection.tenant_id),
            egress.send_only_while(may_send),
        ):
            for scheduled in sending.schedule:
                if (delay := (scheduled.at - self.run.clock()).total_seconds()) > 0:
                    await asyncio.sleep(delay)
                # the call before lasted longer than planned
                is_behind = delay <= 0 and not is_first
                is_first = False
                if not is_behind:
                    self.extend_lead(sending, scheduled)
                async with scheduled.semaphore:
                    if not_sent := self.find_obstacle(sending, scheduled):
                        batch.progress.is_too_large = batch.progress.is_too_large or is_behind
                        self.settler.add_result(not_sent, scheduled.slots)
                    else:
                        await self.send_request(sending, scheduled)

    async def send_request(self, sending: BatchSending, scheduled: ScheduledRequest) -> None:
        """Send a request, and record its result."""
        result = await send_once(sending.batch, scheduled, send=sending.send, clock=self.run.clock)
        failpoint("O5")  # the response was read, and is not settled
        self.settler.add_result(result, scheduled.slots)  # first, so that no error loses it
        if isinstance(result, SendResult):
            self.record_outcomes(result)

    def extend_lead(self, sending: BatchSending, scheduled: ScheduledRequest) -> None:
        """Book the next calls further ahead if the pump is late for this one.

        Lateness caused by an earlier call is ignored: that time is the other system's, and a slow
        system would delay the calls to all others.
        """
        late_by = measure_lateness(scheduled, now=self.run.clock())
        if late_by > LATE_AFTER:
            self.lead.extend(sending.lead, late_by)

    def find_obstacle(self, sending: BatchSending, scheduled: ScheduledRequest) -> NotSent | None:
        """Return why a request is not sent now; None if it can be sent."""
        batch, request, now = sending.batch, scheduled.request, self.run.clock()
        if (until := self.paused_scopes.paused_until(request)) > now:
            closed = self.paused_scopes.closed_keys(request, now=now)
            return NotSent(batch, request, due_at=until, reason="throttled", closed_scopes=closed)
        if measure_lateness(scheduled, now=now) > CALL_MISSED_AFTER:
            return NotSent(batch, request)
        is_batch_over = asyncio.get_running_loop().time() > sending.deadline
        batch.progress.is_out_of_time = batch.progress.is_out_of_time or is_batch_over
        if self.must_return(batch, request, is_batch_over=is_batch_over, now=now):
            return NotSent(batch, request)
        return None

    def must_return(
        self, batch: LaneBatch, request: OutboundRequest, *, is_batch_over: bool, now: datetime
    ) -> bool:
        """Return whether a request may not be sent; `is_batch_over`: the batch's time has ended."""
        return (
            is_batch_over
            or batch.progress.is_stopped
            or request.is_expired(now)
            or self.run.stopping()
            or not self.lease_keeper.is_lease_safe(batch)
        )

    def record_outcomes(self, send_result: SendResult) -> None:
        """Apply effects on other requests (pauses, disabled connections) before they are stored."""
        batch = send_result.batch
        for outcome in send_result.outcomes:
            if outcome.paused_scopes:
                keys = paused_scope_keys(batch.connection, outcome)
                self.paused_scopes.pause(keys, pause_end(outcome, now=self.run.clock()))
            if outcome.kind in CONNECTION_OUTCOMES:
                batch.progress.is_stopped = True


async def send_once(
    batch: LaneBatch,
    scheduled: ScheduledRequest,
    *,
    send: Sender,
    clock: Clock,
) -> SendResult | NotSent:
    """Send a request once, and return its outcomes.

    Never raises: each failure is an outcome, *unknown* if the request may have arrived.
    """
    request, loop_time = scheduled.request, asyncio.get_running_loop().time
    started_at, loop_started_at = clock(), loop_time()
    response, error = None, ""
    try:
        response = await send(request.http_request)
        outcomes = request.parse_response(response)
    except egress.RequestWithdrawn:
        return NotSent(batch, request)
    except Exception as failure:
        outcome = classify_failure(failure)
        error, outcomes = outcome.reason, request.repeat_outcome(outcome)
    milliseconds = round((loop_time() - loop_started_at) * 1000)
    return SendResult(
        batch, request, outcomes, started_at, milliseconds, response, error, scheduled.probed_at
    )
