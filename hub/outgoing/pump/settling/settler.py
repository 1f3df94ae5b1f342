"""Settle results in batches while the pump runs, and release lanes with complete batches."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

from hub.outgoing.pump.lease_keeper import LeaseKeeper
from hub.outgoing.pump.settling.settle import settle_results
from hub.outgoing.pump.settling.unstorable_results import hold_unstorable_result
from hub.outgoing.pump.types import InFlightSlots, LaneBatch, PumpRun, RequestResult
from hub.processes.db_thread import (
    DATABASE_AWAY_ERRORS,
    DATABASE_RETRY_EVERY_SECONDS,
    in_db_thread,
)
from hub.throttle import in_flight_leases

SETTLE_EVERY_SECONDS = 0.05
RESULTS_AT_ONCE = 250  # results that are settled at once rather than after SETTLE_EVERY_SECONDS
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

    def add_result(self, result: RequestResult, slots: InFlightSlots | None) -> None:
        """Add a result to the next settlement, and release its slots after their last call."""
        self.results.append(result)
        if slots:
            slots.remaining_calls -= 1
            if not slots.remaining_calls:
                self.released_slots += Counter(dict.fromkeys(slots.scope_keys, slots.size))
        if len(self.results) >= RESULTS_AT_ONCE:
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
        """Settle every SETTLE_EVERY_SECONDS, or immediately on request.

        Raises what `settle_pending` raises, but waits while the database connection is lost.
        """
        while not self.is_closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.settle_requested.wait(), SETTLE_EVERY_SECONDS)
            self.settle_requested.clear()
            with contextlib.suppress(*DATABASE_AWAY_ERRORS):
                await self.settle_pending()

    async def settle_pending(self) -> None:
        """Settle the pending results.

        A result that cannot be stored is set aside. Raises, and keeps what is not settled, if the
        database connection is lost, or if an error is not caused by a single result.
        """
        results, self.results = self.results, []
        finished_lanes, self.finished_lanes = self.finished_lanes, set()
        if not results and not finished_lanes:
            return
        parts = [results]
        try:
            # before the lanes, so that the pump that claims one finds the slots free
            await self.release_slots()
            while parts:
                await self.settle_last_part(parts, finished_lanes)
        except Exception:
            self.results = [result for part in reversed(parts) for result in part] + self.results
            self.finished_lanes |= finished_lanes
            raise
        self.lease_keeper.forget(finished_lanes)

    async def settle_last_part(
        self, parts: list[list[RequestResult]], finished_lanes: set[int]
    ) -> None:
        """Settle the last part, with the lanes if it is the only one, and remove it.

        After an error other than a lost connection it is divided instead, until only the result
        that causes the error is left.
        """
        lease, clock, random = self.run.lease, self.run.clock, self.run.random
        part, lanes = parts[-1], finished_lanes if len(parts) == 1 else set()
        try:
            counts = await in_db_thread(
                lambda: settle_results(lease, part, lanes, now=clock(), random=random)
            )
        except DATABASE_AWAY_ERRORS:
            raise
        except Exception as error:
            await self.divide_last_part(parts, error)
        else:
            parts.pop()
            self.lease_keeper.add_counts(counts)

    async def divide_last_part(self, parts: list[list[RequestResult]], error: Exception) -> None:
        """Divide the last part, or set its only result aside.

        Raises the error if no result causes it.
        """
        part = parts[-1]
        if not part:
            raise error
        if len(parts) == 1:
            parts.insert(0, [])  # the lanes apart from the results
        elif len(part) > 1:
            middle = len(part) // 2
            parts[-1:] = [part[middle:], part[:middle]]
        else:
            lease, clock = self.run.lease, self.run.clock
            counts = await in_db_thread(
                lambda: hold_unstorable_result(lease, part[0], error, now=clock())
            )
            parts.pop()
            self.lease_keeper.add_counts(counts)

    async def release_slots(self) -> None:
        """Release slots for calls in flight; if that fails, keep them and raise."""
        released_slots, self.released_slots = self.released_slots, Counter()
        try:
            if released_slots:
                await in_db_thread(in_flight_leases.release_calls, self.run.lease, released_slots)
        except Exception:
            self.released_slots += released_slots
            raise

    async def settle_remaining(self) -> None:
        """Settle the last results.

        If the database connection stays lost, the next claim recovers them as unknown. Raises what
        `settle_pending` raises.
        """
        for _ in range(FINAL_ATTEMPTS):
            try:
                await self.settle_pending()
                return await self.lease_keeper.flush_counts()
            except DATABASE_AWAY_ERRORS:
                await asyncio.sleep(DATABASE_RETRY_EVERY_SECONDS)
        return None
