"""Extend a running pump's leases (slot, lanes, calls in flight), and store its counts."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db import Error

from hub.connections.actions import maintenance
from hub.metrics import counters
from hub.outgoing.pump.claiming.claim import extend_lane_leases
from hub.outgoing.pump.db_thread import DATABASE_RETRY_EVERY, in_db_thread
from hub.outgoing.pump.types import LaneBatch, PumpRun
from hub.outgoing.queue import pump_slots
from hub.throttle import in_flight_leases

EXTEND_EVERY = 4.0  # seconds
SAFE_LEASE_SECONDS = 10.0  # of a lane's 12 s lease in which no other pump can have the lane

Counts = Counter[tuple[str, str]]  # by name and label


@dataclass(slots=True)
class LeaseKeeper:
    """The lanes that this pump holds, and counts that are not stored yet."""

    run: PumpRun
    leased_lanes: set[int] = field(default_factory=set)
    extended_at: float = 0.0  # by the loop's time
    counts: Counts = field(default_factory=Counter)

    def add_batch(self, batch: LaneBatch) -> None:
        """Extend the lease of the batch's lane from now on, until the lane is released."""
        batch.progress.leased_at = asyncio.get_running_loop().time()
        self.leased_lanes.add(batch.lane.pk)

    def forget(self, lanes: Collection[int]) -> None:
        """Stop keeping the leases of lanes that were released."""
        self.leased_lanes.difference_update(lanes)

    def add_counts(self, counts: Counts) -> None:
        """Add counts that the next extension stores. Called on the loop's thread only."""
        self.counts += counts

    def is_lease_safe(self, batch: LaneBatch) -> bool:
        """Return whether the lane's lease has surely not expired, even if extending it failed."""
        extended_at = max(batch.progress.leased_at, self.extended_at)
        return asyncio.get_running_loop().time() <= extended_at + SAFE_LEASE_SECONDS

    async def keep_leases(self) -> None:
        """Extend the leases every EXTEND_EVERY seconds until cancelled, and more often while the
        database is away.
        """
        delay = EXTEND_EVERY
        while True:
            await asyncio.sleep(delay)
            started_at, delay = asyncio.get_running_loop().time(), DATABASE_RETRY_EVERY
            with contextlib.suppress(Error):
                await in_db_thread(self.extend_leases)
                self.extended_at, delay = started_at, EXTEND_EVERY
                await self.flush_counts()

    def extend_leases(self) -> None:
        """Extend all leases of this pump, and apply maintenance windows that began or ended."""
        lease, clock = self.run.lease, self.run.clock
        extend_lane_leases(lease, tuple(self.leased_lanes), now=clock())
        pump_slots.extend_slot(lease, now=clock())
        in_flight_leases.extend_in_flight_leases(
            lease, until=clock() + in_flight_leases.IN_FLIGHT_LEASE
        )
        maintenance.apply_maintenance(now=clock())

    async def flush_counts(self) -> None:
        """Store the counts, less often than results are settled, as pumps would otherwise wait for
        each other's commit.

        A crash loses the counts of a few seconds. Raises django.db.Error, and retains the counts,
        when the database is away.
        """
        counts, self.counts = self.counts, Counter()
        try:
            await in_db_thread(counters.add_counts, counts)
        except Error:
            self.counts += counts
            raise
