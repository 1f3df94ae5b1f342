"""What a pump has in its hands: answers until they are settled, lanes until they are given back, leases meanwhile."""

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import Error

from hub.connections.actions import maintenance
from hub.db.clock import Clock
from hub.metrics import counters
from hub.outgoing.pump.claiming.claim import extend_lane_leases
from hub.outgoing.pump.db_thread import in_db_thread
from hub.outgoing.pump.settling.settle import settle_results
from hub.outgoing.pump.types import LaneBatch, RequestResult
from hub.outgoing.queue import pump_slots
from hub.throttle import in_flight_leases

SETTLE_EVERY, EXTEND_EVERY = 0.05, 4.0  # seconds
MAX_RESULTS = 250
DATABASE_RETRY_EVERY, FINAL_ATTEMPTS = (
    0.5,
    20,
)  # seconds between looks at a database that is away, and how often for what was answered
SAFE_LEASE_SECONDS = 10.0  # seconds of a lease in which nobody else can have the lane


@dataclass(slots=True)
class Settler:
    lease: uuid.UUID
    clock: Clock
    random: Callable[[], float]
    results: list[RequestResult] = field(default_factory=list)
    finished_lanes: set[int] = field(default_factory=set)
    released_slots: Counter[str] = field(
        default_factory=Counter
    )  # room for calls in flight, to be given back
    leased_lanes: set[int] = field(default_factory=set)  # lanes that are not given back yet
    leases_extended_at: float = 0.0  # when the leases were last extended, by the loop's time
    counts: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # not yet written to the tally
    settle_requested: asyncio.Event = field(default_factory=asyncio.Event)
    is_closing: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.results or self.finished_lanes)

    def add_batch(self, batch: LaneBatch) -> None:
        batch.leased_at = asyncio.get_running_loop().time()
        self.leased_lanes.add(batch.lane.pk)

    def is_lease_safe(self, batch: LaneBatch) -> bool:
        """Nobody else can have taken the lane, as somebody may whose lease could not be extended."""
        return (
            asyncio.get_running_loop().time()
            <= max(batch.leased_at, self.leases_extended_at) + SAFE_LEASE_SECONDS
        )

    def add_result(self, result: RequestResult) -> None:
        self.results.append(result)
        if slots := result.request.slots:
            slots.remaining_calls -= 1
            if not slots.remaining_calls:
                self.released_slots += Counter(dict.fromkeys(slots.scope_keys, slots.size))
        if len(self.results) >= MAX_RESULTS:
            self.settle_requested.set()

    def finish_batch(self, batch: LaneBatch) -> None:
        """The lane's slice is served."""
        self.finished_lanes.add(batch.lane.pk)
        self.settle_requested.set()

    # --- settling ----------------------------------------------------------------------------------------------------

    async def settle_until_closed(self) -> None:
        while not self.is_closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.settle_requested.wait(), SETTLE_EVERY)
            self.settle_requested.clear()
            with contextlib.suppress(Error):
                await self.settle_pending()

    async def settle_pending(self) -> None:
        results, self.results = self.results, []
        finished_lanes, self.finished_lanes = self.finished_lanes, set()
        if not results and not finished_lanes:
            return
        try:
            await (
                self.release_slots()
            )  # first: whoever claims a lane that is given back finds the room
            counts = await in_db_thread(
                lambda: settle_results(
                    self.lease, results, finished_lanes, now=self.clock(), random=self.random
                )
            )
        except Error:  # the database is away: keep what was answered, and try again
            self.results, self.finished_lanes = (
                results + self.results,
                finished_lanes | self.finished_lanes,
            )
            raise
        self.leased_lanes.difference_update(finished_lanes)
        self.counts += counts

    async def release_slots(self) -> None:
        released_slots, self.released_slots = self.released_slots, Counter()
        try:
            if released_slots:
                await in_db_thread(in_flight_leases.release_calls, self.lease, released_slots)
        except Error:
            self.released_slots += released_slots
            raise

    async def settle_remaining(self) -> None:
        for _ in range(FINAL_ATTEMPTS):
            try:
                await self.settle_pending()
                return await self.flush_counts()
            except Error:
                await asyncio.sleep(DATABASE_RETRY_EVERY)
        return None  # it is told as unknown when the leases end

    # --- keeping -----------------------------------------------------------------------------------------------------

    async def keep_leases(self) -> None:
        """The leases of the place and of the lanes live as long as this does."""
        delay = EXTEND_EVERY
        while True:
            await asyncio.sleep(delay)
            started_at, delay = asyncio.get_running_loop().time(), DATABASE_RETRY_EVERY
            with contextlib.suppress(Error):
                await in_db_thread(self.extend_leases)
                self.leases_extended_at, delay = started_at, EXTEND_EVERY
                await self.flush_counts()

    def extend_leases(self) -> None:
        extend_lane_leases(self.lease, tuple(self.leased_lanes), now=self.clock())
        pump_slots.extend_slot(self.lease, now=self.clock())
        in_flight_leases.extend_in_flight_leases(
            self.lease, until=self.clock() + in_flight_leases.IN_FLIGHT_LEASE
        )
        maintenance.apply_maintenance(now=self.clock())

    async def flush_counts(self) -> None:
        """Not with each settling: two pumps would wait for each other's commit. A kill loses these few seconds."""
        counts, self.counts = (
            self.counts,
            Counter(),
        )  # on the loop's thread, as they are counted there
        try:
            await in_db_thread(counters.add_counts, counts)
        except Error:
            self.counts += counts
            raise
