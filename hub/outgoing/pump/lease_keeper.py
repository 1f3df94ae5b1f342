"""Extend a running pump's leases (slot, lanes, calls in flight), and store its counts."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.connections.actions import maintenance
from hub.connections.models import LANE_LEASES
from hub.db.clock import LONG_AGO
from hub.metrics import counters
from hub.outgoing.pump.types import LaneBatch, PumpRun, ScheduledBatch
from hub.processes import loop_slots
from hub.processes.db_thread import (
    DATABASE_AWAY_ERRORS,
    DATABASE_RETRY_EVERY_SECONDS,
    in_db_thread,
)
from hub.throttle import in_flight_leases

EXTEND_EVERY_SECONDS = 4.0
# of the 12 s lease of a lane or slot, in which no other pump can have it
SAFE_LEASE = timedelta(seconds=10)

Counts = Counter[tuple[str, str]]  # by name and label


class LeaseEnded(Exception):
    """The pump has not extended its leases in time, so that others may hold what it held."""


@dataclass(slots=True)
class LeaseKeeper:
    """The slot and the lanes that this pump holds, each with the database time at which its lease
    began or was last extended, and counts that are not stored yet.
    """

    run: PumpRun
    slot_leased_at: datetime
    is_slot_lost: bool = False
    leased_lanes: dict[int, datetime] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counter)
    closed_event: asyncio.Event = field(default_factory=asyncio.Event)

    def add_batch(self, batch: ScheduledBatch) -> None:
        """Extend the lease of the batch's lane from now on, until the lane is released."""
        self.leased_lanes[batch.lane_id] = batch.batch.leased_at

    def forget(self, lanes: Collection[int]) -> None:
        """Stop extending the leases of lanes that were released."""
        for lane in lanes:
            self.leased_lanes.pop(lane, None)

    def add_counts(self, counts: Counts) -> None:
        """Add counts that the next extension stores. Called on the loop's thread only."""
        self.counts += counts

    def is_lease_safe(self, batch: LaneBatch) -> bool:
        """Return whether the lane's lease has surely not expired, even if extending it failed."""
        leased_at = self.leased_lanes.get(batch.lane.pk, batch.leased_at)
        return self.run.clock() <= leased_at + SAFE_LEASE

    def is_slot_safe(self) -> bool:
        """Return whether the slot's lease has surely not expired."""
        return not self.is_slot_lost and self.run.clock() <= self.slot_leased_at + SAFE_LEASE

    def check_slot(self) -> None:
        """Raise LeaseEnded if the slot may be lost.

        A pump that claimed under a lease of which others took over lanes could not tell its earlier
        attempts from the new ones.
        """
        if not self.is_slot_safe():
            raise LeaseEnded

    def close(self) -> None:
        """End `keep_leases` without cancelling it, which would lose counts."""
        self.closed_event.set()

    async def keep_leases(self) -> None:
        """Extend the leases every EXTEND_EVERY_SECONDS, more often without a database."""
        delay = EXTEND_EVERY_SECONDS
        while not await self.is_closed_within(delay):
            delay = DATABASE_RETRY_EVERY_SECONDS
            with contextlib.suppress(*DATABASE_AWAY_ERRORS):
                await self.extend_leases()
                delay = EXTEND_EVERY_SECONDS
                await self.flush_counts()

    async def is_closed_within(self, seconds: float) -> bool:
        """Wait until the keeper is closed, for a limited time; return whether it is closed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.closed_event.wait(), seconds)
        return self.closed_event.is_set()

    async def extend_leases(self) -> None:
        """Extend all leases of this pump. Raises django.db.Error."""
        lanes = tuple(self.leased_lanes)
        extended_at, lost_lanes = await in_db_thread(self.store_leases, lanes)
        for lane in self.leased_lanes.keys() & set(lanes):
            if self.leased_lanes[lane] < extended_at:  # else claimed again meanwhile
                self.leased_lanes[lane] = LONG_AGO if lane in lost_lanes else extended_at

    def store_leases(self, lanes: Collection[int]) -> tuple[datetime, Collection[int]]:
        """Extend the leases, and apply maintenance windows that began or ended.

        Return the time from which the extended leases count, and the lanes that others took over.
        """
        lease, clock = self.run.lease, self.run.clock
        extended_at = clock()
        # not all that it holds: a claim whose response was lost is recovered
        lost_lanes = LANE_LEASES.renew_rows(lease, lanes, now=extended_at)
        if loop_slots.extend_slot(lease, now=extended_at):
            self.slot_leased_at = extended_at
        else:
            self.is_slot_lost = True
        in_flight_leases.extend_in_flight_leases(lease, now=clock())
        maintenance.apply_maintenance(now=clock())
        return extended_at, lost_lanes

    async def flush_counts(self) -> None:
        """Store the counts, less often than results: pumps would wait for each other's commit.

        A crash loses the counts of a few seconds. Raises django.db.Error, and keeps the counts, if
        the database connection is lost.
        """
        counts, self.counts = self.counts, Counter()
        try:
            await in_db_thread(counters.add_counts, counts)
        except Exception:
            self.counts += counts
            raise
