"""Claim lanes and prepare their deliveries: render, build requests, reserve quota, park those that
must wait.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.connections.actions import maintenance
from hub.db.clock import LONG_AGO
from hub.outgoing.pump.claiming.batch_sizing import BatchSizing
from hub.outgoing.pump.claiming.claim import ClaimedLane, claim_lanes, is_work_due
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.claiming.suspects import claim_suspects, has_waiting_suspects
from hub.outgoing.pump.clock_jump import CLOCK_JUMP, ClockJump
from hub.outgoing.pump.db_thread import in_db_thread
from hub.outgoing.pump.pacing import PacedLead
from hub.outgoing.pump.parking import park_batches
from hub.outgoing.pump.prepare import prepare_batches
from hub.outgoing.pump.quarantine import Quarantine
from hub.outgoing.pump.reserve import reserve_quota
from hub.outgoing.pump.settling.settle import apply_rejections
from hub.outgoing.pump.types import LaneBatch, NotSent, PumpRun
from hub.outgoing.pump.written_records import remember_written_records
from hub.processes.failpoints import failpoint
from hub.throttle.feedback import shift_after_clock_jump

MAINTENANCE_EVERY = timedelta(seconds=1)
MAX_PARKED_CLAIMS = 8  # claims in a row of which all deliveries wait for quotas


@dataclass(slots=True)
class Claimer:
    """State of one pump between its claims."""

    run: PumpRun
    sizing: BatchSizing
    lead: PacedLead = field(default_factory=PacedLead)
    config: ConfigCache = field(default_factory=ConfigCache)
    quarantine: Quarantine = field(default_factory=Quarantine)
    clock_jump: ClockJump = field(default_factory=ClockJump)
    maintenance_checked_at: datetime = LONG_AGO
    found_work: bool = False  # the last claim found something, so the next one does not ask first

    async def claim_batches(self, *, is_idle: bool) -> tuple[list[LaneBatch], list[NotSent]]:
        """Claim due deliveries. `is_idle`: nothing is being sent or settled.

        Return the batches to send, and the requests that were parked. Raises django.db.Error if the
        database connection is lost.
        """
        await self.correct_clock_jump()
        await self.update_quarantine(is_idle=is_idle)
        if not await self.can_claim(is_idle=is_idle):
            return [], []
        batches, not_sent = await self.claim_and_prepare()
        self.found_work = bool(batches)
        return batches, not_sent

    async def can_claim(self, *, is_idle: bool) -> bool:
        """Return whether a lane or suspect is due; a suspect only if nothing else is in flight."""
        if self.quarantine.is_active:
            return is_idle
        return self.found_work or await in_db_thread(lambda: is_work_due(now=self.run.clock()))

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

    async def update_quarantine(self, *, is_idle: bool) -> None:
        """Begin the quarantine if suspects wait, end it if none does."""
        loop_time = asyncio.get_running_loop().time()
        if self.quarantine.is_check_due(loop_time, is_idle=is_idle):
            has_suspects = await in_db_thread(lambda: has_waiting_suspects(now=self.run.clock()))
            self.quarantine.record_check(loop_time, has_suspects=has_suspects)

    async def claim_and_prepare(self) -> tuple[list[LaneBatch], list[NotSent]]:
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

    def claim_once(self) -> tuple[list[LaneBatch], list[NotSent]]:
        """Claim once and prepare the claimed deliveries; return the batches to send and the parked
        requests.
        """
        run, now = self.run, self.run.clock()
        self.begin_maintenance(now=now)
        claimed_lanes = self.claim_next_lanes(now=now)
        batches = prepare_batches(claimed_lanes, self.config, now=now)
        rejections = [rejection for batch in batches for rejection in batch.rejections]
        apply_rejections(run.lease, rejections, now=now)
        lead = self.lead.current(now=now)
        not_sent = reserve_quota(run.lease, batches, now=run.clock(), lead=lead)
        batches = park_batches(
            run.lease, batches, not_sent, self.sizing, now=now, random=run.random
        )
        for batch in batches:
            batch.progress.leased_at = now
        remember_written_records(batches, self.config, now=now)
        failpoint("O2")  # the attempt is counted, nothing was sent
        return batches, not_sent

    def begin_maintenance(self, *, now: datetime) -> None:
        """Hold the lanes of maintenance windows that began; at most once in MAINTENANCE_EVERY."""
        if abs(now - self.maintenance_checked_at) >= MAINTENANCE_EVERY:
            self.maintenance_checked_at = now
            maintenance.begin_maintenance(now=now)

    def claim_next_lanes(self, *, now: datetime) -> Sequence[ClaimedLane]:
        """Claim lanes, or suspects during a quarantine, and load the apps of their connectors."""
        self.config.expire(now=now)
        if self.quarantine.is_active:
            claimed_lanes = claim_suspects(self.run.lease, self.config, now=now)
            # none: another pump holds their lanes
            self.quarantine.is_active = bool(claimed_lanes)
        else:
            claimed_lanes = claim_lanes(self.run.lease, self.config, self.sizing, now=now)
        connectors = {claimed_lane.connection.connector_key for claimed_lane in claimed_lanes}
        self.config.load(connectors=connectors)
        return claimed_lanes
