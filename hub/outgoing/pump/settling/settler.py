"""Settle results in batches while the pump runs, and release lanes with complete batches."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

from django.db import Error

from hub.outgoing.pump.db_thread import DATABASE_RETRY_EVERY, in_db_thread
from hub.outgoing.pump.lease_keeper import LeaseKeeper
from hub.outgoing.pump.settling.settle import settle_results
from hub.outgoing.pump.types import LaneBatch, PumpRun, RequestResult
from hub.throttle import in_flight_leases

SETTLE_EVERY = 0.05  # seconds
MAX_RESULTS = 250  # results that are settled at once rather than after SETTLE_EVERY
FINAL_ATTEMPTS = 20  # how often an ending pump tries to store its last results


@dataclass(slots=True)
class Settler:
    """Results, complete lanes and free slots that are not stored yet."""

    run: PumpRun
    lease_keeper: LeaseKeeper
    results: list[RequestResult] = field(default_factory=list)
    finished_lanes: set[int] = field(default_factory=set)
    released_slots: Counter[str] = field(default_factory=Counter)  # by scope key
    settle_requested: asyncio.Event = field(default_factory=asyncio.Event)
    is_closing: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.results or self.finished_lanes)

    def add_result(self, result: RequestResult) -> None:
        """Add a result to the next settlement, and release its slots after the last call that
        shares these.
        """
        self.results.append(result)
        if slots := result.request.slots:
            slots.remaining_calls -= 1
            if not slots.remaining_calls:
                self.released_slots += Counter(dict.fromkeys(slots.scope_keys, slots.size))
        if len(self.results) >= MAX_RESULTS:
            self.settle_requested.set()

    def finish_batch(self, batch: LaneBatch) -> None:
        """Release the batch's lane with the next settlement."""
        self.finished_lanes.add(batch.lane.pk)
        self.settle_requested.set()

    def close(self) -> None:
        """End `settle_until_closed` without cancelling it, which would lose its pending results."""
        self.is_closing = True
        self.settle_requested.set()

    async def settle_until_closed(self) -> None:
        """Settle every SETTLE_EVERY seconds, or as soon as it is requested."""
        while not self.is_closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.settle_requested.wait(), SETTLE_EVERY)
            self.settle_requested.clear()
            with contextlib.suppress(Error):
                await self.settle_pending()

    async def settle_pending(self) -> None:
        """Settle the pending results. Raises django.db.Error, and retains all of these, when the
        database is away.
        """
        results, self.results = self.results, []
        finished_lanes, self.finished_lanes = self.finished_lanes, set()
        if not results and not finished_lanes:
            return
        try:
            # before the lanes, so that the pump that claims one finds the slots free
            await self.release_slots()
            lease, clock, random = self.run.lease, self.run.clock, self.run.random
            counts = await in_db_thread(
                lambda: settle_results(lease, results, finished_lanes, now=clock(), random=random)
            )
        except Error:
            self.results = results + self.results
            self.finished_lanes |= finished_lanes
            raise
        self.lease_keeper.forget(finished_lanes)
        self.lease_keeper.add_counts(counts)

    async def release_slots(self) -> None:
        """Release slots for calls in flight. Raises django.db.Error, and retains these, when the
        database is away.
        """
        released_slots, self.released_slots = self.released_slots, Counter()
        try:
            if released_slots:
                await in_db_thread(in_flight_leases.release_calls, self.run.lease, released_slots)
        except Error:
            self.released_slots += released_slots
            raise

    async def settle_remaining(self) -> None:
        """Settle the last results.

        If the database stays away, the next claim recovers these as unknown.
        """
        for _ in range(FINAL_ATTEMPTS):
            try:
                await self.settle_pending()
                return await self.lease_keeper.flush_counts()
            except Error:
                await asyncio.sleep(DATABASE_RETRY_EVERY)
        return None
