"""The implementation of RunContext for the executor of a claimed run."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction

from connectors.http import Request, Response
from connectors.outcomes import READ_ERRORS, Outcome, later, never
from hub.connections.calls.failures import classify_failure
from hub.connections.calls.reserved_call import PAUSE_WITHOUT_RETRY_AFTER, ReservedCall
from hub.connections.models import BREAKER, Connection
from hub.db.clock import Clock
from hub.egress import (
    EgressError,
    RequestWithdrawn,
    send_only_while,
)
from hub.egress.sender import Sender
from hub.processes.db_thread import in_db_thread
from hub.processes.failpoints import failpoint
from hub.scheduled.models import Job, Run
from hub.scheduled.runs import claim
from hub.scheduled.runs.calls.breaker_probe import is_breaker_probe
from hub.scheduled.runs.calls.call_pace import CallPace
from hub.scheduled.runs.calls.provider_calls import NotYet, prepare_call, record_answer
from hub.scheduled.runs.context import RunDeferred, RunFailed, RunStopped
from hub.scheduled.runs.results import ClaimedRun, add_log_entry
from hub.scheduled.runs.run_connections import ConnectionBlocked, find_run_connection
from tenants.models import Tenant

T = TypeVar("T")

CALL_ATTEMPTS = 4  # of one call; then the run is repeated later
FIRST_RETRY_DELAY = 1.0  # seconds before the second attempt of a call, doubling
PROBE_POLL = timedelta(seconds=0.5)  # until the next look at the probe of a breaker
QUOTA_PATIENCE = timedelta(seconds=20)  # beyond it, a run waits as a row and not in a loop
REFRESH_PATIENCE = timedelta(seconds=60)  # for a new access token
ANSWER_KINDS = ("delivered", "never", "pending")  # kinds of outcomes that the executor receives
# of the lease of a run, in which no other loop can have it, whatever clock it reads
SAFE_LEASE = claim.RUN_LEASES.lasts - timedelta(seconds=5)
STOPPING = "stopping"  # the loop ends: its worker stops, or its time is over


@dataclass(slots=True)
class StopSignal:
    """Why a claimed run must stop; "" if it need not."""

    cause: str = ""
    event: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, cause: str) -> None:
        """Stop the run. A lost lease replaces every other cause."""
        if not self.cause or cause == claim.LOST:
            self.cause = cause
        self.event.set()

    def raise_if_set(self) -> None:
        if self.cause:
            raise RunStopped(self.cause)


@dataclass(frozen=True, slots=True)
class LoopResources:
    """Resources shared by the runs of a loop. `lease`: of the loop, with its calls in flight."""

    lease: UUID
    clock: Clock
    send: Sender
    random: Callable[[], float]


@dataclass(slots=True)
class ClaimedRunContext:
    """See RunContext. `leased_at`: when the lease began or was last extended."""

    run: Run
    lease: UUID
    resources: LoopResources
    leased_at: datetime
    stop: StopSignal = field(default_factory=StopSignal)
    calls: Counter[str] = field(default_factory=Counter)
    # the run's own limit of calls in flight; its quotas are in calls/provider_calls.py
    calls_in_flight: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(settings.HUB_RUN_CALLS)
    )

    pace: CallPace = field(init=False)
    probed_ids: set[int] = field(default_factory=set)  # of connections with a probe in flight

    def __post_init__(self) -> None:
        self.calls.update(self.run.calls)
        self.pace = CallPace.of(self.run)

    @property
    def job(self) -> Job:
        return self.run.job

    @property
    def tenant(self) -> Tenant:
        return self.run.tenant

    @property
    def claimed(self) -> ClaimedRun:
        return ClaimedRun(self.run, self.lease, self.calls)

    @property
    def group(self) -> str:
        """Return the key of the job's concurrency group, which includes the owner."""
        name = self.job.concurrency_group
        return f"{self.job.tenant_id or ''}|{name}" if name else ""

    def now(self) -> datetime:
        return self.resources.clock()

    def is_lease_safe(self) -> bool:
        """Return whether the lease has surely not expired, although the process may have been
        stopped for a while.
        """
        return self.stop.cause != claim.LOST and self.now() <= self.leased_at + SAFE_LEASE

    def note_extension(self, at: datetime, stop_cause: str) -> None:
        """Note when all leases were extended; `stop_cause`: why this run must stop, or ""."""
        if stop_cause:
            self.stop.set(stop_cause)
        if stop_cause != claim.LOST:
            self.leased_at = max(self.leased_at, at)

    async def find_connection(self, connector_key: str = "") -> Connection:
        self.stop.raise_if_set()
        return await in_db_thread(
            lambda: find_run_connection(self.job, self.tenant, connector_key, now=self.now())
        )

    async def in_database(self, function: Callable[[], T]) -> T:
        self.stop.raise_if_set()
        return await in_db_thread(function)

    async def log(self, kind: str, *, level: str = "info", **parameters: object) -> None:
        await in_db_thread(
            lambda: add_log_entry(self.run, kind, level=level, now=self.now(), **parameters)
        )

    async def save(
        self,
        cursor: Mapping[str, Any],
        *,
        done: int,
        expected: int | None = None,
        write: Callable[[], object] | None = None,
    ) -> None:
        if self.stop.cause == claim.LOST:
            raise RunStopped(claim.LOST)
        if not await in_db_thread(self._store_progress, cursor, done, expected, write):
            self.stop.set(claim.LOST)
        failpoint("J3")  # progress was stored
        self.stop.raise_if_set()

    @transaction.atomic
    def _store_progress(
        self,
        cursor: Mapping[str, Any],
        done: int,
        expected: int | None,
        write: Callable[[], object] | None,
    ) -> bool:
        """Store progress and call `write`; return False, and do neither, if the lease was lost.

        An expected number that is exceeded is no longer known.
        """
        now = self.now()
        columns = {}
        if expected is not None:
            columns["expected_count"] = expected if done <= expected else None
        is_held = self.claimed.update(
            cursor=dict(cursor),
            done_count=done,
            attempt_count=1,  # what makes progress does not crash
            heartbeat_at=now,
            **claim.RUN_LEASES.renewed(now=now),
            **columns,
        )
        if is_held and write is not None:
            write()
        failpoint("J2")  # progress is not stored yet
        self.run.attempt_count = 1
        if is_held:
            self.leased_at = now
        return is_held

    async def call(
        self,
        connection: Connection,
        build: Callable[[Connection], Request],
        parse: Callable[[Response], T | Outcome],
    ) -> T | Outcome:
        attempts, has_refreshed = 0, False
        while True:
            async with self.calls_in_flight:
                answer = await self._call_once(connection, build, parse)
            if not isinstance(answer, Outcome) or answer.kind in ANSWER_KINDS:
                return answer
            if (
                answer.kind == "refresh"
                and connection.connector.refreshes_tokens
                and not has_refreshed
            ):
                has_refreshed = True  # the next attempt waits for the new token
                continue
            if answer.kind in ("refresh", "reconnect", "disable"):
                raise_refused(answer, connection)
            if not is_quota_outcome(answer):
                attempts += 1
            await self._wait_before_retry(answer, attempts)

    async def _wait_before_retry(self, outcome: Outcome, attempts: int) -> None:
        """Wait as the outcome requests. Raises RunFailed after CALL_ATTEMPTS failures."""
        if attempts >= CALL_ATTEMPTS:
            raise RunFailed(outcome.reason, outcome.detail)
        seconds = outcome.after
        if seconds is None and is_quota_outcome(outcome):
            seconds = PAUSE_WITHOUT_RETRY_AFTER.total_seconds()
        if seconds is None:
            seconds = (
                FIRST_RETRY_DELAY * 2 ** max(attempts - 1, 0) * (0.5 + self.resources.random())
            )
        await self._wait_until(self.now() + timedelta(seconds=seconds), outcome.reason)

    async def _call_once(
        self,
        connection: Connection,
        build: Callable[[Connection], Request],
        parse: Callable[[Response], T | Outcome],
    ) -> T | Outcome:
        """Reserve quotas, send the request, return its response or an Outcome without secrets."""
        await self._wait_until(self.pace.reserve_call(now=self.now()), "paced")
        prepared = await self._reserve(connection, build)
        if isinstance(prepared, Outcome):
            return prepared
        response, answer = None, cast(T | Outcome, later("not_sent"))
        try:
            await self._wait_until(prepared.at, "throttled")
            self._count_call(prepared)
            with send_only_while(self.is_lease_safe):
                response = await self.resources.send(prepared.request)
            answer = parse(response)
        except RequestWithdrawn:
            raise RunStopped(claim.LOST) from None
        except EgressError as error:
            answer = cast(T | Outcome, classify_failure(error))
        except READ_ERRORS as error:
            answer = never("unreadable", f"{type(error).__name__}: {error}")
        finally:
            recorded = await in_db_thread(self._record, prepared, response, answer)
        return cast(T | Outcome, recorded)

    def _record(self, call: ReservedCall, response: Response | None, answer: object) -> object:
        self.probed_ids.discard(call.connection.pk)
        return record_answer(call, response, answer, now=self.now())

    async def _reserve(
        self, connection: Connection, build: Callable[[Connection], Request]
    ) -> ReservedCall | Outcome:
        """Wait until the quotas allow a call, and reserve them."""
        started_at = self.now()
        while True:
            self.stop.raise_if_set()
            prepared = await in_db_thread(self._prepare, connection, build)
            if not isinstance(prepared, NotYet):
                return prepared
            is_overdue = self.now() - started_at > REFRESH_PATIENCE
            if prepared.reason == "refreshing" and is_overdue:
                raise RunFailed("refreshing", str(connection))
            await self._wait_until(prepared.until, prepared.reason)

    def _prepare(
        self, connection: Connection, build: Callable[[Connection], Request]
    ) -> ReservedCall | NotYet | Outcome:
        """Prepare a call; while one probes an open breaker, the others wait for its result."""
        if connection.pk in self.probed_ids:
            return NotYet(self.now() + PROBE_POLL, BREAKER)
        call = prepare_call(
            connection, build, group=self.group, lease=self.resources.lease, now=self.now()
        )
        if isinstance(call, ReservedCall) and is_breaker_probe(call):
            self.probed_ids.add(connection.pk)
        return call

    async def _wait_until(self, at: datetime, reason: str) -> None:
        """Wait. Raises RunStopped when the run must stop, and RunDeferred for a long wait."""
        self.stop.raise_if_set()
        wait = at - self.now()
        if wait > QUOTA_PATIENCE:
            raise RunDeferred(at, reason)
        with suppress(TimeoutError):
            if wait > timedelta(0):
                await asyncio.wait_for(self.stop.event.wait(), wait.total_seconds())
        self.stop.raise_if_set()

    def _count_call(self, call: ReservedCall) -> None:
        self.calls[f"{call.connection.connector_key}|calls||"] += 1
        self.calls.update(call.spent_units)


def is_quota_outcome(outcome: Outcome) -> bool:
    """Return whether a quota refused the call, which does not count as a failure of the system."""
    return outcome.reason == "throttled" or bool(outcome.paused_scopes)


def raise_refused(outcome: Outcome, connection: Connection) -> None:
    """Raise ConnectionBlocked for an outcome after which a person must act."""
    if outcome.kind == "refresh" and connection.connector.refreshes_tokens:
        raise RunFailed(outcome.reason or "unauthorized", outcome.detail)
    reason = "disabled" if outcome.kind == "disable" else "needs_reconnect"
    raise ConnectionBlocked(reason, outcome.detail, connection=connection)
