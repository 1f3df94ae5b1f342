"""The pump's loop: claim batches, send them concurrently, and settle, while deliveries are due."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import Error

from hub.connections.models import LANE_LEASES
from hub.db.clock import Clock
from hub.egress.sender import Sender
from hub.outgoing.pump.claimer import Claimer
from hub.outgoing.pump.claiming.batch_sizing import BatchSizing
from hub.outgoing.pump.claiming.claim import is_work_due
from hub.outgoing.pump.claiming.suspects import has_waiting_suspects
from hub.outgoing.pump.lane_sender import LaneSender
from hub.outgoing.pump.lease_keeper import LeaseEnded, LeaseKeeper
from hub.outgoing.pump.settling.settle import count_results
from hub.outgoing.pump.settling.settler import Settler
from hub.outgoing.pump.types import PumpRun, ScheduledBatch
from hub.processes import db_thread, loop_slots
from hub.processes.db_thread import DATABASE_RETRY_EVERY_SECONDS, in_db_thread
from hub.processes.leases import new_lease
from hub.throttle import in_flight_leases

POLL_EVERY_SECONDS = 0.02  # between looks for due work
BUSY_LOOP_SECONDS = 0.03  # a loop that takes longer to come round claims nothing more
ANOTHER_PUMP_EVERY_SECONDS = 1.0  # between requests for another pump
MANY_LANES, MANY_REQUESTS = 8, 32  # a claim of so many asks for another pump
CLAIM_DELAY_AFTER_OUTAGE = 2.0  # seconds in which pumps extend their leases and settle first
IDLE_SECONDS, RUN_SECONDS = 30.0, 35.0  # defaults of PumpRun
MAX_SOCKETS = 900  # calls in flight of one pump; a process may usually open 1,024 files

log = structlog.get_logger(__name__)


def run_pump(
    *,
    clock: Clock,
    open_client: Callable[[], AbstractAsyncContextManager[Sender]],
    random: Callable[[], float],
    stopping: Callable[[], bool] = lambda: False,
    start_another: Callable[[], object] = lambda: None,
    idle_seconds: float = IDLE_SECONDS,
    run_seconds: float = RUN_SECONDS,
) -> bool:
    """Run one pump, for less than a minute; return False if all slots for pumps are taken.

    Raises an internal error after all results are settled and the leases are released; the worker
    starts another pump when it next looks for due work.
    """
    lease, leased_at = new_lease(), clock()
    if not loop_slots.acquire_slot(
        "pump",
        lease,
        per_worker=settings.HUB_PUMPS,
        total=settings.HUB_PUMPS_TOTAL,
        now=leased_at,
    ):
        return False
    run = PumpRun(
        lease,
        leased_at,
        clock,
        random,
        stopping,
        idle_seconds,
        run_seconds,
        open_client,
        start_another,
    )
    pump_loop = PumpLoop.for_run(run)
    try:
        db_thread.run_with_loop(pump_loop.run_to_end)
    except BaseException:
        LANE_LEASES.end(lease.bytes, now=clock())  # the next claim recovers what was not settled
        raise
    finally:
        loop_slots.release_slot(lease)
        in_flight_leases.end_in_flight_leases(lease)
    if (is_work_due(now=clock()) or has_waiting_suspects(now=clock())) and not stopping():
        start_another()  # for deliveries that became due while the slot was released
    return True


@dataclass(slots=True)
class PumpLoop:
    """A run of a pump. Times are the loop's, in seconds."""

    run: PumpRun
    claimer: Claimer
    lease_keeper: LeaseKeeper
    settler: Settler
    lane_sender: LaneSender
    background_tasks: Sequence[asyncio.Task[None]] = ()  # extension of leases, settlement
    claim_not_before: float = 0.0
    next_pump_requested_at: float = 0.0

    @classmethod
    def for_run(cls, run: PumpRun) -> "PumpLoop":
        lease_keeper = LeaseKeeper(run, run.leased_at)
        claimer = Claimer(run, BatchSizing.for_new_pump(now=run.clock()), lease_keeper)
        settler = Settler(run, lease_keeper)
        lane_sender = LaneSender(run, settler, lease_keeper, claimer.sizing, claimer.lead)
        return cls(run, claimer, lease_keeper, settler, lane_sender)

    async def run_to_end(self) -> None:
        """Claim until it is time to stop, then send and settle the remaining requests.

        An internal error ends the run in the same way, and is raised then.
        """
        async with self.run.open_client() as send, AsyncExitStack() as end:
            self.background_tasks = [
                asyncio.create_task(self.lease_keeper.keep_leases()),
                asyncio.create_task(self.settler.settle_until_closed()),
            ]
            # all of these, the last one first, whatever the others raise
            end.push_async_callback(self.settler.settle_remaining)
            end.push_async_callback(self.end_background_tasks)
            end.push_async_callback(self.send_remaining)
            end.push_async_callback(self.hand_over_slot)
            await self.claim_until_stopped(send)

    @property
    def has_failed(self) -> bool:
        """Return whether an internal error ended a task of this run."""
        return bool(self.lane_sender.failures) or any(task.done() for task in self.background_tasks)

    async def send_remaining(self) -> None:
        """Send the rest of the claimed batches. Raises the first internal error of sending."""
        await asyncio.gather(*self.lane_sender.lane_tasks)
        if self.lane_sender.failures:
            raise self.lane_sender.failures[0]

    async def end_background_tasks(self) -> None:
        """End the extension of leases and the settlement; raise an error that ended one."""
        self.lease_keeper.close()
        self.settler.close()
        results = await asyncio.gather(*self.background_tasks, return_exceptions=True)
        for error in filter(None, results):
            raise error

    async def hand_over_slot(self) -> None:
        """Release the slot, and start a successor while the last calls are in flight."""
        with contextlib.suppress(Error):
            await in_db_thread(loop_slots.release_slot, self.run.lease)
            if self.lane_sender.lane_tasks:
                await in_db_thread(self.run.start_another)

    async def claim_until_stopped(self, send: Sender) -> None:
        """Claim and start batches until the pump is stopped, its time is over, it was idle for
        `idle_seconds`, it has failed, or it has lost its slot.
        """
        loop = asyncio.get_running_loop()
        started_at = last_work_at = loop.time()
        while not self.must_stop(started_at):
            has_capacity = await self.has_capacity()
            batches = await self.claim_batches() if has_capacity else []
            for batch in batches:
                self.lease_keeper.add_batch(batch)
                self.lane_sender.start_lane(batch, send)
            if self.lease_keeper.leased_lanes:
                last_work_at = loop.time()
            elif loop.time() >= last_work_at + self.run.idle_seconds:
                return
            if not has_capacity or _is_large_claim(batches):
                await self.start_another_pump()
            if not batches:
                await asyncio.sleep(POLL_EVERY_SECONDS)
        if self.lease_keeper.is_slot_lost:  # perhaps as the clock was set
            with contextlib.suppress(Error):
                await self.claimer.correct_clock_jump()

    def must_stop(self, started_at: float) -> bool:
        """Return whether to claim nothing more, in a run that began at `started_at`."""
        is_over = asyncio.get_running_loop().time() >= started_at + self.run.run_seconds
        return is_over or self.run.stopping() or self.has_failed or self.lease_keeper.is_slot_lost

    async def has_capacity(self) -> bool:
        """Return whether more can be sent: sockets are free, the loop is idle, the slot is ours."""
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        await asyncio.sleep(0)
        return (
            self.lane_sender.calls_in_flight < MAX_SOCKETS
            and loop.time() >= self.claim_not_before
            and self.lease_keeper.is_slot_safe()
            and loop.time() - started_at < BUSY_LOOP_SECONDS
        )

    async def claim_batches(self) -> list[ScheduledBatch]:
        """Claim the next batches; none for a while after a database error."""
        try:
            batches, not_sent = await self.claimer.claim_batches()
        except LeaseEnded:  # calls in flight continue; the keeper finds out whether it is lost
            return []
        except Error as error:  # calls in flight continue
            if not isinstance(error, db_thread.DATABASE_AWAY_ERRORS):
                log.error("pump.claim_failed", exc_info=error)
            await asyncio.sleep(DATABASE_RETRY_EVERY_SECONDS)
            self.claim_not_before = asyncio.get_running_loop().time() + CLAIM_DELAY_AFTER_OUTAGE
            return []
        self.lease_keeper.add_counts(count_results(not_sent, now=self.run.clock()))
        return batches

    async def start_another_pump(self) -> None:
        """Start another pump if a slot is free, at most once in ANOTHER_PUMP_EVERY_SECONDS."""
        now = asyncio.get_running_loop().time()
        if now > self.next_pump_requested_at + ANOTHER_PUMP_EVERY_SECONDS:
            self.next_pump_requested_at = now
            with contextlib.suppress(Error):
                if await in_db_thread(self.is_slot_free):
                    await in_db_thread(self.run.start_another)

    def is_slot_free(self) -> bool:
        return loop_slots.has_any_pump_slot(
            per_worker=settings.HUB_PUMPS, total=settings.HUB_PUMPS_TOTAL, now=self.run.clock()
        )


def _is_large_claim(batches: Sequence[ScheduledBatch]) -> bool:
    """Return whether a claim was so large that more deliveries are probably due."""
    request_count = sum(len(batch.requests) for batch in batches)
    return len(batches) >= MANY_LANES or request_count >= MANY_REQUESTS
