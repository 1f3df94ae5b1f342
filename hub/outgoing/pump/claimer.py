"""Claim lanes and prepare their deliveries: render, build requests, reserve quota, park."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.connections.actions import maintenance
from hub.db.clock import LONG_AGO
from hub.outgoing.echo.remember import remember_writes
from hub.outgoing.pump.claiming.batch_sizing import BatchSizing
from hub.outgoing.pump.claiming.claim import ClaimedLane, claim_lanes, is_work_due
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.claiming.suspects import claim_suspects, has_waiting_suspects
from hub.outgoing.pump.lease_keeper import LeaseKeeper
from hub.outgoing.pump.pacing import PacedLead
from hub.outgoing.pump.parking import park_batches
from hub.outgoing.pump.prepare import prepare_batches
from hub.outgoing.pump.reserve import reserve_quota
from hub.outgoing.pump.settling.settle import apply_rejections
from hub.outgoing.pump.types import NotSent, PumpRun, ScheduledBatch
from hub.processes.db_thread import in_db_thread
from hub.processes.failpoints import failpoint
from hub.throttle.feedback import shift_after_clock_jump

MAINTENANCE_EVERY = timedelta(seconds=1)
SUSPECT_EVERY_SECONDS = 0.5  # between looks for suspects
MAX_PARKED_CLAIMS = 8  # claims in a row of which all deliveries wait for quotas
CLOCK_JUMP = timedelta(seconds=5)  # a clock that gains more than this between two readings jumped


@dataclass(slots=True)
class ClockJump:
    """The last reading: the clock, and the loop's time in seconds."""

    last_reading: tuple[datetime, float] | None = None

    def measure(self, *, now: datetime, loop_time: float) -> timedelta:
        """Return how much further the clock advanced than the loop's time since the last call."""
        previous, self.last_reading = self.last_reading, (now, loop_time)
        if previous is None:
            return timedelta(0)
        return now - previous[0] - timedelta(seconds=loop_time - previous[1])


@dataclass(slots=True)
class Claimer:
    """State of one pump between its claims."""

    run: PumpRun
    sizing: BatchSizing
    lease_keeper: LeaseKeeper
    lead: PacedLead = field(default_factory=PacedLead)
    config: ConfigCache = field(default_factory=ConfigCache)
    clock_jump: ClockJump = field(default_factory=ClockJump)
    maintenance_checked_at: datetime = LONG_AGO
    found_work: bool = False  # the last claim found something, so the next one does not ask first
    suspects_checked_at: float = float("-inf")  # by the loop's clock
    are_suspects_due: bool = False
    suspect_lanes: set[int] = field(default_factory=set)  # on which this pump sends suspects

    async def claim_batches(self) -> tuple[list[ScheduledBatch], list[NotSent]]:
        """Claim due deliveries.

        Return the batches to send, and the requests that were parked. Raises django.db.Error if the
        database connection is lost, and LeaseEnded if others may hold what this pump held.
        """
        await self.correct_clock_jump()
        await self.look_for_suspects()
        if not await self.can_claim():
            return [], []
        batches, not_sent = await self.claim_and_prepare()
        self.found_work = bool(batches)
        return batches, not_sent

    async def can_claim(self) -> bool:
        """Return whether a lane or suspect is due."""
        if self.are_suspects_due or self.found_work:
            return True
        return await in_db_thread(lambda: is_work_due(now=self.run.clock()))

    async def correct_clock_jump(self) -> None:
        """Shift the quotas if the clock went ahead without time passing.

        Raises django.db.Error if the database connection is lost; the next call measures the jump
        again.
        """
        loop_time, previous = asyncio.get_running_loop().time(), self.clock_jump.last_reading
        jump = self.clock_jump.measure(now=self.run.clock(), loop_time=loop_time)
        if jump <= CLOCK_JUMP:
            return
        try:
            await in_db_thread(lambda: shift_after_clock_jump(jump, now=self.run.clock()))
        except Exception:
            self.clock_jump.last_reading = previous
            raise

    async def look_for_suspects(self) -> None:
        """Find out whether suspects are due.

        They go beside the rest, but only once the suspects that were claimed before have ended: a
        crash shall hit no more of them together than needed.
        """
        loop_time, had_suspects = asyncio.get_running_loop().time(), bool(self.suspect_lanes)
        self.suspect_lanes &= self.lease_keeper.leased_lanes.keys()
        is_too_early = loop_time < self.suspects_checked_at + SUSPECT_EVERY_SECONDS
        if self.suspect_lanes or (is_too_early and not had_suspects):
            return
        self.suspects_checked_at = loop_time
        self.are_suspects_due = await in_db_thread(
            lambda: has_waiting_suspects(now=self.run.clock())
        )

    async def claim_and_prepare(self) -> tuple[list[ScheduledBatch], list[NotSent]]:
        """Claim until a request can be sent or no lane is due, as other lanes may have quota.

        Each claim is a separate database call, so that leases are extended in time.
        """
        not_sent: list[NotSent] = []
        for _ in range(MAX_PARKED_CLAIMS):
            batches, throttled_requests = await in_db_thread(self.claim_once)
            not_sent += throttled_requests
            if batches or not throttled_requests:
                break
        return batches, not_sent

    def claim_once(self) -> tuple[list[ScheduledBatch], list[NotSent]]:
        """Claim once and prepare the deliveries; return batches to send and parked requests."""
        run, now = self.run, self.run.clock()
        self.begin_maintenance(now=now)
        claimed_lanes = self.claim_next_lanes(now=now)
        prepared = prepare_batches(claimed_lanes, self.config, now=now)
        rejections = [rejection for batch in prepared for rejection in batch.rejections]
        apply_rejections(run.lease, rejections, now=now)
        lead = self.lead.current(now=now)
        scheduled, not_sent = reserve_quota(run.lease, prepared, now=run.clock(), lead=lead)
        batches = park_batches(
            run.lease, scheduled, not_sent, self.sizing, now=now, random=run.random
        )
        writes = [
            write
            for batch in batches
            for scheduled_request in batch.requests
            for write in scheduled_request.request.record_writes
        ]
        if writes:
            remember_writes(writes, now=now)
        failpoint("O2")  # the attempt is counted, nothing was sent
        return batches, not_sent

    def begin_maintenance(self, *, now: datetime) -> None:
        """Hold the lanes of maintenance windows that began; at most once in MAINTENANCE_EVERY."""
        if abs(now - self.maintenance_checked_at) >= MAINTENANCE_EVERY:
            self.maintenance_checked_at = now
            maintenance.begin_maintenance(now=now)

    def claim_next_lanes(self, *, now: datetime) -> Sequence[ClaimedLane]:
        """Claim lanes, or suspects if any are due, and load the apps of their connectors."""
        lease, check_lease = self.run.lease, self.lease_keeper.check_slot
        self.config.expire(now=now)
        claimed_lanes: Sequence[ClaimedLane] = ()
        if self.are_suspects_due:
            claimed_lanes = claim_suspects(lease, self.config, check_lease=check_lease, now=now)
            self.are_suspects_due = False
            self.suspect_lanes = {claimed_lane.lane.pk for claimed_lane in claimed_lanes}
        if not claimed_lanes:  # also if another pump holds the lanes of the suspects
            claimed_lanes = claim_lanes(
                lease, self.config, self.sizing, check_lease=check_lease, now=now
            )
        connectors = {claimed_lane.connection.connector_key for claimed_lane in claimed_lanes}
        self.config.load(connectors=connectors)
        return claimed_lanes
