"""The loop that executes runs: claim due ones, run executors concurrently, store results."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings

from hub.db.clock import Clock
from hub.egress.sender import Sender
from hub.processes.db_thread import (
    DATABASE_AWAY_ERRORS,
    DATABASE_RETRY_EVERY_SECONDS,
    in_db_thread,
)
from hub.processes.failpoints import failpoint
from hub.processes.leases import new_lease
from hub.processes.loop_slots import extend_slot
from hub.queue import report_progress
from hub.scheduled.models import Run
from hub.scheduled.runs import claim, results
from hub.scheduled.runs.context import (
    EXECUTORS,
    Executor,
    RunBlocked,
    RunDeferred,
    RunFailed,
    RunStopped,
)
from hub.scheduled.runs.late_runs import spread_late_runs
from hub.scheduled.runs.open_runs import recover_interrupted_runs
from hub.scheduled.runs.run_context import (
    STOPPING,
    ClaimedRunContext,
    LoopResources,
)
from hub.throttle import in_flight_leases

log = structlog.get_logger(__name__)

POLL_EVERY_SECONDS = 0.5  # between looks for due runs
EXTEND_EVERY_SECONDS = 3.0  # between two extensions of all leases
IDLE_SECONDS, RUN_SECONDS = 10.0, 40.0
SLOT_YIELDED_AFTER = 5.0  # seconds before it leaves its slot to other tasks that wait for it
STOP_GRACE_SECONDS = 12.0  # for a call in flight at the end; then the runs are interrupted
DEFECT = "defect"
SWITCHED_OFF = "switched_off"


@dataclass(frozen=True, slots=True)
class LoopDependencies:
    """The clock, client, stop signal and time limits that a task passes to its run loop.

    `request_another`: send a wake-up for another loop; `is_slot_wanted`: return whether another
    task waits for this loop's slot.
    """

    lease: UUID
    clock: Clock
    random: Callable[[], float]
    open_client: Callable[[], AbstractAsyncContextManager[Sender]]
    stopping: Callable[[], bool]
    request_another: Callable[[], object]
    is_slot_wanted: Callable[[], bool] = lambda: False
    yield_after: float = SLOT_YIELDED_AFTER
    extend_every: float = EXTEND_EVERY_SECONDS
    idle_seconds: float = IDLE_SECONDS
    run_seconds: float = RUN_SECONDS


@dataclass(slots=True)
class RunLoop:
    """One loop. `contexts` and `tasks`: of the runs that it executes, by pk."""

    dependencies: LoopDependencies
    contexts: dict[int, ClaimedRunContext] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    next_loop_requested_at: float = -math.inf
    is_slot_lost: bool = False

    async def run_to_end(self) -> None:
        """Execute runs until it is time to stop, then let them stop at their cursors."""
        async with self.dependencies.open_client() as send:
            dependencies = self.dependencies
            resources = LoopResources(
                dependencies.lease, dependencies.clock, send, dependencies.random
            )
            keeper = asyncio.create_task(self.keep_leases())
            try:
                await self.claim_until_stopped(resources)
            finally:
                await self.stop_runs()
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)

    async def claim_until_stopped(self, resources: LoopResources) -> None:
        """Claim runs until the loop must end, or was idle for `idle_seconds`.

        A loop that lost its slot claims nothing more, and ends with its last run.
        """
        loop = asyncio.get_running_loop()
        started_at = worked_at = loop.time()
        while not await self.must_stop(loop.time() - started_at):
            for run in await self.claim_runs():
                self.start_run(run, resources)
            if self.tasks:
                worked_at = loop.time()
            elif self.is_slot_lost or loop.time() >= worked_at + self.dependencies.idle_seconds:
                return
            await self.request_another_loop()
            await asyncio.sleep(POLL_EVERY_SECONDS)

    async def must_stop(self, seconds: float) -> bool:
        """Return whether to claim nothing more, after the loop has run for this many seconds."""
        if self.dependencies.stopping() or seconds >= self.dependencies.run_seconds:
            return True
        if seconds < self.dependencies.yield_after:
            return False
        with contextlib.suppress(*DATABASE_AWAY_ERRORS):
            return await in_db_thread(self.dependencies.is_slot_wanted)
        return False

    @property
    def capacity(self) -> int:
        """Return how many more runs it may execute; none if another loop may have its slot."""
        at_once: int = settings.HUB_RUNS_AT_ONCE
        return 0 if self.is_slot_lost else at_once - len(self.tasks)

    async def claim_runs(self) -> list[Run]:
        """Claim due runs; none while the database connection is lost."""
        try:
            return await in_db_thread(self._claim)
        except DATABASE_AWAY_ERRORS as error:
            log.warning("runs.database_away", error=type(error).__name__)
            await asyncio.sleep(DATABASE_RETRY_EVERY_SECONDS)
            return []

    def _claim(self) -> list[Run]:
        now = self.dependencies.clock()
        recover_interrupted_runs(now=now)
        spread_late_runs(now=now)
        runs = claim.claim_runs(self.capacity, new_lease(), now=now)
        failpoint("J1")  # runs were claimed, and none was started
        return runs

    async def request_another_loop(self) -> None:
        """Request one more loop, at most once a second, if due runs exceed this loop's capacity."""
        now = asyncio.get_running_loop().time()
        if self.capacity <= 0 and now > self.next_loop_requested_at + 1.0:
            self.next_loop_requested_at = now
            with contextlib.suppress(*DATABASE_AWAY_ERRORS):
                await in_db_thread(self._request_another_loop)

    def _request_another_loop(self) -> None:
        if claim.is_run_due(now=self.dependencies.clock()):
            self.dependencies.request_another()

    def start_run(self, run: Run, resources: LoopResources) -> None:
        assert run.lease is not None and run.heartbeat_at is not None  # it was claimed
        context = ClaimedRunContext(run, run.lease, resources, run.heartbeat_at)
        self.contexts[run.pk] = context
        task = asyncio.create_task(self.execute_run(context))
        self.tasks.add(task)
        task.add_done_callback(lambda _: self.forget_run(context, task))

    def forget_run(self, context: ClaimedRunContext, task: asyncio.Task[None]) -> None:
        """Remove a run that has ended, unless it was claimed again meanwhile."""
        self.tasks.discard(task)
        if self.contexts.get(context.run.pk) is context:
            del self.contexts[context.run.pk]

    async def execute_run(self, context: ClaimedRunContext) -> None:
        """Run the executor, and store the result of the run.

        If the result cannot be stored, the lease expires, and the run continues from its cursor.
        """
        try:
            store = await self.run_executor(context)
            await in_db_thread(store)
        except DATABASE_AWAY_ERRORS as error:
            log.warning("runs.end_not_stored", run=context.run.pk, error=type(error).__name__)
        except Exception:
            log.exception("runs.end_not_stored", run=context.run.pk)

    async def run_executor(self, context: ClaimedRunContext) -> Callable[[], object]:
        """Run the executor; return the function that stores the result of the run."""
        try:
            result = await find_executor(context.run)(context)
        except asyncio.CancelledError:
            return end_stopped_run(context, RunStopped(STOPPING))
        except DATABASE_AWAY_ERRORS:
            raise
        except Exception as error:
            return end_failed_run(context, find_decisive_error(error))
        return lambda: results.finish_run(context.claimed, result, now=context.now())

    async def keep_leases(self) -> None:
        """Extend the leases of the loop and its runs, and stop runs that must not continue."""
        while True:
            with contextlib.suppress(*DATABASE_AWAY_ERRORS):
                contexts = dict(self.contexts)
                leases = {pk: context.lease for pk, context in contexts.items()}
                extended_at, causes = await in_db_thread(self._extend_leases, leases)
                for pk, context in contexts.items():
                    context.note_extension(extended_at, causes.get(pk, ""))
            await asyncio.sleep(self.dependencies.extend_every)

    def _extend_leases(self, leases: dict[int, UUID]) -> tuple[datetime, dict[int, str]]:
        """Return from when on the extended leases count, and why which runs must stop."""
        report_progress()
        lease, now = self.dependencies.lease, self.dependencies.clock()
        self.is_slot_lost = not extend_slot(lease, now=now)
        in_flight_leases.extend_in_flight_leases(lease, now=now)
        if not leases:
            return now, {}
        switched_off = dict.fromkeys(leases, SWITCHED_OFF) if claim.is_switched_off() else {}
        return now, switched_off | claim.extend_leases(leases, now=now)

    async def stop_runs(self) -> None:
        """Let all runs stop at their cursors; interrupt those that take longer than a call may."""
        for context in self.contexts.values():
            context.stop.set(STOPPING)
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=STOP_GRACE_SECONDS)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def find_executor(run: Run) -> Executor:
    """Return the function that executes runs of the job's kind."""
    return EXECUTORS[run.job.kind]


def find_decisive_error(error: Exception) -> Exception:
    """Return the first error of a group that decides how the run continues, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    causes = [find_decisive_error(inner) for inner in error.exceptions]
    known_causes = (
        cause for cause in causes if isinstance(cause, RunStopped | RunBlocked | RunFailed)
    )
    return next(known_causes, causes[0])


def end_failed_run(context: ClaimedRunContext, error: Exception) -> Callable[[], object]:
    """Return the function that stores why a run did not finish."""
    claimed = context.claimed
    if isinstance(error, RunStopped):
        return end_stopped_run(context, error)
    if isinstance(error, RunBlocked):
        return lambda: results.block_run(claimed, error, now=context.now())
    if isinstance(error, RunFailed):
        return lambda: results.retry_or_fail_run(
            claimed, error.reason, error.detail, can_retry=error.can_retry, now=context.now()
        )
    log.error("runs.defect", run=context.run.pk, kind=context.job.kind, exc_info=error)
    return lambda: results.retry_or_fail_run(
        claimed, DEFECT, type(error).__name__, can_retry=True, now=context.now()
    )


def end_stopped_run(context: ClaimedRunContext, error: RunStopped) -> Callable[[], object]:
    """Return the function that releases a run, or ends it if it was cancelled."""
    claimed, cause = context.claimed, context.stop.cause
    if cause == claim.LOST:
        return lambda: None
    if cause == claim.CANCELLED:
        return lambda: results.cancel_claimed_run(claimed, now=context.now())
    if isinstance(error, RunDeferred) and not cause:
        return lambda: results.release_run(
            claimed, due_at=error.until, reason=error.reason, now=context.now()
        )
    reason = cause if cause in (claim.SUSPENDED, SWITCHED_OFF) else ""
    return lambda: results.release_run(
        claimed, due_at=context.now(), reason=reason, now=context.now()
    )
