"""The loop: claim lanes, send what they hold side by side, settle answers as they come, stay while there is work."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter

from django.conf import settings
from django.db import Error

from hub.connections.actions import maintenance
from hub.db.clock import LONG_AGO, Clock
from hub.outgoing.pump import db_thread
from hub.outgoing.pump.claiming.batch_sizing import BatchSizing
from hub.outgoing.pump.claiming.claim import (
    claim_lanes,
    claim_suspects,
    has_waiting_suspects,
    is_work_due,
)
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.db_thread import in_db_thread
from hub.outgoing.pump.parking import park_batches
from hub.outgoing.pump.prepare import prepare_batches
from hub.outgoing.pump.reserve import reserve_quota
from hub.outgoing.pump.send import Sender, send_once
from hub.outgoing.pump.settling.quota_feedback import (
    CONNECTION_OUTCOMES,
    pause_end,
    paused_scope_keys,
)
from hub.outgoing.pump.settling.settle import count_results, hold_rejected
from hub.outgoing.pump.settling.settler import DATABASE_RETRY_EVERY, Settler
from hub.outgoing.pump.types import LaneBatch, NotSent, OutboundRequest, SendResult
from hub.outgoing.queue import pump_slots
from hub.outgoing.queue.pump_leases import new_lease
from hub.processes.failpoints import failpoint
from hub.throttle import in_flight_leases
from hub.throttle.feedback import shift_after_clock_jump
from hub.throttle.limits import WINDOW_MARGIN

BATCH_SECONDS = 2.0  # seconds after which no further call of a slice begins, so that nobody waits behind a backlog
POLL_EVERY, SUSPECT_EVERY = 0.02, 0.5  # seconds
MAINTENANCE_EVERY = timedelta(seconds=1)
BUSY_LOOP_SECONDS = 0.03  # seconds of one turn of the loop: with so much in hand, what is claimed would only wait here
HELPER_EVERY = 1.0  # seconds between calls for another pump
MANY_LANES, MANY_REQUESTS = 8, 32  # lanes or deliveries of one claim that are a reason for it
LATE_AFTER = timedelta(
    seconds=WINDOW_MARGIN
)  # after its moment a call that is paced is booked again
LATE = LATE_AFTER / 2  # a pump that is so late books further ahead, before a call misses its moment
MIN_LEAD, MAX_LEAD = (
    timedelta(seconds=0.05),
    timedelta(seconds=1),
)  # a paced call is booked so far ahead at least
LEAD_HALF_LIFE = timedelta(seconds=1)
CLOCK_JUMP = timedelta(seconds=5)  # a clock that goes so far ahead at once was set, or stood still
CLAIM_DELAY_AFTER_OUTAGE = (
    2.0  # seconds without a claim when it is back: first each pump keeps its leases, and settles
)
IDLE_SECONDS, RUN_SECONDS = (
    30.0,
    35.0,
)  # seconds: without work it leaves after the one, with work it rings a successor after the other
MAX_PARKED_CLAIMS = 8  # in a row, where all that was claimed waits for quotas
MAX_SOCKETS = (
    900  # of one pump: the calls in flight, below the 1,024 files that a process may usually open
)

OpenClient = Callable[[], AbstractAsyncContextManager[Sender]]
Schedule = Iterator[tuple[datetime, OutboundRequest]]


def run_pump(
    *,
    clock: Clock,
    open_client: OpenClient,
    random: Callable[[], float],
    stopping: Callable[[], bool] = lambda: False,
    start_another: Callable[[], object] = lambda: None,
    idle_seconds: float = IDLE_SECONDS,
    run_seconds: float = RUN_SECONDS,
) -> bool:
    """Run one pump on one of the places, and whether there was a free one; ends by itself well within a minute."""
    lease = new_lease()
    if not pump_slots.acquire_slot(
        lease, per_worker=settings.HUB_PUMPS, total=settings.HUB_PUMPS_TOTAL, now=clock()
    ):
        return False
    pump_loop = PumpLoop(lease, clock, random, stopping, idle_seconds, run_seconds)
    try:
        db_thread.run_with_loop(lambda: pump_loop.run_to_end(open_client, start_another))
    finally:
        pump_slots.release_slot(lease)
        in_flight_leases.end_in_flight_leases(lease)
    if (is_work_due(now=clock()) or has_waiting_suspects(now=clock())) and not stopping():
        start_another()  # it came while the place was given up
    return True


@dataclass(slots=True)
class PumpLoop:
    """One run of a pump."""

    lease: uuid.UUID
    clock: Clock
    random: Callable[[], float]
    stopping: Callable[[], bool]
    idle_seconds: float
    run_seconds: float
    settler: Settler = field(init=False)
    sizing: BatchSizing = field(init=False)
    config: ConfigCache = field(default_factory=ConfigCache)
    paused_scopes: dict[str, datetime] = field(
        default_factory=dict
    )  # by scope, as this run heard it
    lane_tasks: set[asyncio.Task[None]] = field(default_factory=set)
    calls_in_flight: int = 0  # that the lanes in hand may have in flight
    lead: timedelta = MIN_LEAD
    lead_updated_at: datetime = LONG_AGO
    claim_not_before: float = 0.0  # by the loop's time
    helper_called_at: float = 0.0  # when another pump was last called for, by the loop's time
    maintenance_checked_at: datetime = LONG_AGO  # when declared maintenance was last looked at
    last_clock_reading: tuple[datetime, float] | None = (
        None  # the clock and the loop's time, at the last look for work
    )
    is_quarantining: bool = False  # suspects wait, or are being sent: nothing else is taken in
    found_work: bool = False  # the last claim found something: the next need not ask first
    suspects_checked_at: float = float("-inf")  # when suspects were last looked for

    def __post_init__(self) -> None:
        self.settler = Settler(self.lease, self.clock, self.random)
        self.sizing = BatchSizing.for_new_pump(now=self.clock())

    async def run_to_end(
        self, open_client: OpenClient, start_another: Callable[[], object]
    ) -> None:
        async with open_client() as send:
            keeper = asyncio.create_task(self.settler.keep_leases())
            settler = asyncio.create_task(self.settler.settle_until_closed())
            try:
                await self.claim_until_stopped(send, start_another)
                with contextlib.suppress(Error):
                    await in_db_thread(pump_slots.release_slot, self.lease)
                    if self.lane_tasks:
                        await in_db_thread(start_another)
                await asyncio.gather(*self.lane_tasks)
            finally:
                keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeper
                self.settler.is_closing = (
                    True  # the settler is not cancelled: what it holds in its hands would be lost
                )
                self.settler.settle_requested.set()
                await settler
                await self.settler.settle_remaining()

    async def claim_until_stopped(self, send: Sender, start_another: Callable[[], object]) -> None:
        """Claim until it is time to leave: stopped, run out, or nothing to do for a while."""
        loop = asyncio.get_running_loop()
        started_at = last_work_at = loop.time()
        while not self.stopping() and loop.time() < started_at + self.run_seconds:
            has_capacity = await self.check_capacity()
            batches = await self.claim_batches() if has_capacity else []
            for batch in batches:
                self.settler.add_batch(batch)
                self.start_lane(batch, send)
            if self.settler.leased_lanes:
                last_work_at = loop.time()
            elif loop.time() >= last_work_at + self.idle_seconds:
                return
            if not has_capacity or _is_large_claim(batches):
                await self.start_helper(start_another)
            if not batches:
                await asyncio.sleep(POLL_EVERY)

    async def check_capacity(self) -> bool:
        """Whether more in hand would be of use: there are sockets for it, and the loop comes round soon enough."""
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        await asyncio.sleep(0)
        return (
            self.calls_in_flight < MAX_SOCKETS
            and loop.time() >= self.claim_not_before
            and loop.time() - started_at < BUSY_LOOP_SECONDS
        )

    async def start_helper(self, start_another: Callable[[], object]) -> None:
        """There is so much that another pump may start, where a place is free."""
        if (now := asyncio.get_running_loop().time()) > self.helper_called_at + HELPER_EVERY:
            self.helper_called_at = now
            with contextlib.suppress(Error):
                if await in_db_thread(self.is_slot_free):
                    await in_db_thread(start_another)

    def is_slot_free(self) -> bool:
        return pump_slots.has_any_slot(
            per_worker=settings.HUB_PUMPS, total=settings.HUB_PUMPS_TOTAL, now=self.clock()
        )

    async def claim_batches(self) -> list[LaneBatch]:
        try:
            if (jump := self.measure_clock_jump()) > CLOCK_JUMP:
                await in_db_thread(lambda: shift_after_clock_jump(jump, now=self.clock()))
            if await self.check_claim():
                batches, not_sent = await in_db_thread(self.claim_and_prepare)
                self.found_work = bool(batches)
                self.settler.counts += count_results(
                    not_sent, now=self.clock()
                )  # here: the keeper takes them away
                return batches
        except Error:  # away: what is on its way goes on, and we look again
            await asyncio.sleep(DATABASE_RETRY_EVERY)
            self.claim_not_before = asyncio.get_running_loop().time() + CLAIM_DELAY_AFTER_OUTAGE
        return []

    async def check_claim(self) -> bool:
        """Something is due; where suspects are, nothing else is in hand."""
        if await self.check_suspects():
            return not self.lane_tasks and self.settler.is_empty
        return self.found_work or await in_db_thread(lambda: is_work_due(now=self.clock()))

    async def check_suspects(self) -> bool:
        """Whether what may have killed pumps waits, or is on its way: then innocents are not sent beside it."""
        if self.is_quarantining and (self.lane_tasks or not self.settler.is_empty):
            return True
        now = asyncio.get_running_loop().time()
        if self.is_quarantining or now >= self.suspects_checked_at + SUSPECT_EVERY:
            self.suspects_checked_at = now
            self.is_quarantining = await in_db_thread(
                lambda: has_waiting_suspects(now=self.clock())
            )
        return self.is_quarantining

    def measure_clock_jump(self) -> timedelta:
        """How much further the clock went than time did, since the last look."""
        now, loop_time = self.clock(), asyncio.get_running_loop().time()
        previous, self.last_clock_reading = self.last_clock_reading, (now, loop_time)
        return (
            now - previous[0] - timedelta(seconds=loop_time - previous[1])
            if previous
            else timedelta(0)
        )

    def claim_and_prepare(self) -> tuple[list[LaneBatch], list[NotSent]]:
        """Loads that go, and what waits for quotas. Where all of it waits more is claimed: something behind may go."""
        not_sent: list[NotSent] = []
        for _ in range(MAX_PARKED_CLAIMS):
            batches, throttled_requests = self.claim_once()
            not_sent += throttled_requests
            if batches or not throttled_requests:
                break
        return batches, not_sent

    def claim_once(self) -> tuple[list[LaneBatch], list[NotSent]]:
        now = self.clock()
        self.config.expire(now=now)
        if abs(now - self.maintenance_checked_at) >= MAINTENANCE_EVERY:
            self.maintenance_checked_at = now
            maintenance.begin_maintenance(now=now)
        if self.is_quarantining:
            claimed_lanes = claim_suspects(self.lease, self.config, now=now)
            self.is_quarantining = bool(claimed_lanes)  # none: another pump holds their lanes
        else:
            claimed_lanes = claim_lanes(self.lease, self.config, self.sizing, now=now)
        self.config.load(
            connectors={claimed_lane.connection.connector_key for claimed_lane in claimed_lanes}
        )
        batches = prepare_batches(claimed_lanes, self.config, now=now)
        hold_rejected(
            self.lease, [rejection for batch in batches for rejection in batch.rejections], now=now
        )
        not_sent = reserve_quota(
            self.lease, batches, now=self.clock(), lead=self.current_lead(now=now)
        )
        batches = park_batches(
            self.lease, batches, not_sent, self.sizing, now=now, random=self.random
        )
        failpoint("O2")  # the attempt is noted, nothing has gone
        return batches, not_sent

    def current_lead(self, *, now: datetime) -> timedelta:
        """How far ahead paced calls are booked. What a rush needed is soon forgotten, however few claims come after."""
        elapsed, self.lead_updated_at = max(timedelta(), now - self.lead_updated_at), now
        self.lead = max(MIN_LEAD, self.lead * 0.5 ** (elapsed / LEAD_HALF_LIFE))
        return self.lead

    def start_lane(self, batch: LaneBatch, send: Sender) -> None:
        task = asyncio.create_task(self.serve_lane(batch, send))
        self.lane_tasks.add(task)
        task.add_done_callback(self.lane_tasks.discard)

    async def serve_lane(self, batch: LaneBatch, send: Sender) -> None:
        """All of one lane's slice, at most `in_flight` calls at a time; then the lane is given back."""
        started_at = asyncio.get_running_loop().time()
        schedule = iter(sorted(batch.schedule, key=itemgetter(0)))
        concurrency = min(batch.lane.in_flight, len(batch.schedule))
        self.calls_in_flight += concurrency
        await asyncio.gather(
            *(
                self.send_next(batch, schedule, started_at + BATCH_SECONDS, send)
                for _ in range(concurrency)
            )
        )
        self.calls_in_flight -= concurrency
        seconds = asyncio.get_running_loop().time() - started_at
        self.sizing.record_batch(
            batch.lane.pk, seconds=seconds, completed=not batch.ran_out_of_time
        )
        self.settler.finish_batch(batch)

    async def send_next(
        self, batch: LaneBatch, schedule: Schedule, deadline: float, send: Sender
    ) -> None:
        """One of those that take from the same departures: as many calls are in flight as there are of these."""
        for scheduled_at, request in schedule:
            if (delay := (scheduled_at - self.clock()).total_seconds()) > 0:
                await asyncio.sleep(delay)
            async with request.semaphore:
                now = self.clock()
                if self.paused_scopes and (until := self.paused_until(request)) > now:
                    closed = [
                        key
                        for key in request.scope_keys
                        if self.paused_scopes.get(key, LONG_AGO) > now
                    ]
                    self.settler.add_result(
                        NotSent(batch, request, due_at=until, reason="throttled", closed=closed)
                    )
                elif self.extend_lead_if_late(
                    batch, request, scheduled_at, now=now
                ) or self.must_return(batch, request, deadline, now=now):
                    self.settler.add_result(NotSent(batch, request))
                else:
                    send_result = await send_once(batch, request, send=send, clock=self.clock)
                    failpoint("O5")  # the answer was read, and is not settled
                    self.settler.add_result(self.record_outcomes(send_result))

    def extend_lead_if_late(
        self, batch: LaneBatch, request: OutboundRequest, scheduled_at: datetime, *, now: datetime
    ) -> bool:
        """Whether it would come among others' calls. A pump that is late books as much further ahead as it is late."""
        late = now - scheduled_at
        if not request.is_paced or late <= LATE:
            return False
        self.lead = min(MAX_LEAD, max(self.lead, batch.lead + late))
        return late > LATE_AFTER

    def must_return(
        self, batch: LaneBatch, request: OutboundRequest, deadline: float, *, now: datetime
    ) -> bool:
        is_over = asyncio.get_running_loop().time() > deadline
        batch.ran_out_of_time = batch.ran_out_of_time or is_over
        return (
            is_over
            or batch.is_stopped
            or request.is_expired(now)
            or self.stopping()
            or not self.settler.is_lease_safe(batch)
        )

    def paused_until(self, request: OutboundRequest) -> datetime:
        return max(
            (self.paused_scopes.get(scope.key, LONG_AGO) for scope in request.scope_costs),
            default=LONG_AGO,
        )

    def record_outcomes(self, send_result: SendResult) -> SendResult:
        """What one answer says of its neighbours is true at once, before it is written down."""
        for outcome in send_result.outcomes:
            if outcome.pauses:
                self.record_pause(
                    paused_scope_keys(send_result.batch, outcome),
                    pause_end(outcome, now=self.clock()),
                )
            send_result.batch.is_stopped = (
                send_result.batch.is_stopped or outcome.kind in CONNECTION_OUTCOMES
            )
        return send_result

    def record_pause(self, keys: Sequence[str], until: datetime) -> None:
        """Of two pauses of one scope the one that ends later counts."""
        for key in keys:
            self.paused_scopes[key] = max(until, self.paused_scopes.get(key, LONG_AGO))


def _is_large_claim(batches: Sequence[LaneBatch]) -> bool:
    """A claim that took nearly what it may: more waits."""
    return (
        len(batches) >= MANY_LANES or sum(len(batch.schedule) for batch in batches) >= MANY_REQUESTS
    )
