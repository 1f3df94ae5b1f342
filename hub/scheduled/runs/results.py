"""End, release, block or repeat a claimed run; all writes require its lease."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from hub.scheduled.models import Run, RunLogEntry
from hub.scheduled.runs.claim import RUN_LEASES, update_held_run
from hub.scheduled.runs.context import RunBlocked
from hub.scheduled.runs.notices import notify_failed_run
from hub.scheduled.runs.run_connections import ConnectionBlocked

RETRY_DELAY, MAX_RETRY_DELAY = timedelta(seconds=30), timedelta(minutes=30)  # doubling
MAX_DETAIL_LENGTH = 500  # characters
MAX_LOG_ENTRIES = 1000  # of one run


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run, the lease under which it was claimed, and the units it has spent so far."""

    run: Run
    lease: UUID
    calls: Mapping[str, int]  # units by the key of each quota

    def update(self, **changes: Any) -> bool:
        """Change the run if its lease is still held, and store the units it has spent."""
        return update_held_run(self.run.pk, self.lease, calls=dict(self.calls), **changes)


@transaction.atomic
def finish_run(claimed: ClaimedRun, result: Mapping[str, Any], *, now: datetime) -> bool:
    """Store the result of a run; False if its lease was lost."""
    if not claimed.update(
        state="finished",
        result=dict(result),
        finished_at=now,
        heartbeat_at=now,
        **RUN_LEASES.released,
    ):
        return False
    add_log_entry(claimed.run, "finished", now=now)
    return True


def release_run(claimed: ClaimedRun, *, due_at: datetime, reason: str = "", now: datetime) -> bool:
    """Return a run to *waiting* as its worker stops or it waits; the attempt is not counted."""
    return claimed.update(
        state="waiting",
        due_at=due_at,
        reason=reason,
        attempt_count=max(claimed.run.attempt_count - 1, 0),
        heartbeat_at=now,
        **RUN_LEASES.released,
    )


@transaction.atomic
def cancel_claimed_run(claimed: ClaimedRun, *, now: datetime) -> bool:
    """End a run that a person cancelled."""
    if not claimed.update(
        state="cancelled", finished_at=now, heartbeat_at=now, **RUN_LEASES.released
    ):
        return False
    add_log_entry(claimed.run, "cancelled", now=now)
    return True


@transaction.atomic
def block_run(claimed: ClaimedRun, error: RunBlocked, *, now: datetime) -> bool:
    """Block a run until a person acts, usually on the connection in the error."""
    reason, detail = error.reason, error.detail
    if not claimed.update(
        state="blocked",
        reason=reason,
        detail=detail[:MAX_DETAIL_LENGTH],
        **describe_block(error),
        attempt_count=max(claimed.run.attempt_count - 1, 0),
        heartbeat_at=now,
        **RUN_LEASES.released,
    ):
        return False
    add_log_entry(claimed.run, "blocked", level="warning", reason=reason, detail=detail, now=now)
    return True


def describe_block(error: RunBlocked) -> dict[str, Any]:
    """Return what a person must change, as columns of the run."""
    if isinstance(error, ConnectionBlocked):
        return {"blocking_connection": error.connection, "blocking_system": error.key}
    return {"blocking_connection": None, "blocking_system": ""}


@transaction.atomic
def retry_or_fail_run(
    claimed: ClaimedRun, reason: str, detail: str, *, can_retry: bool, now: datetime
) -> bool:
    """Repeat a run later in its window, with growing delays, otherwise fail it with one notice."""
    run = claimed.run
    due_at = now + compute_retry_delay(run.attempt_count)
    if not can_retry or due_at >= run.window_ends_at:
        return fail_run(claimed, reason, detail, now=now)
    if not claimed.update(
        state="waiting",
        due_at=due_at,
        reason=reason,
        detail=detail[:MAX_DETAIL_LENGTH],
        heartbeat_at=now,
        **RUN_LEASES.released,
    ):
        return False
    add_log_entry(
        run,
        "repeated_later",
        level="warning",
        reason=reason,
        detail=detail,
        at=due_at.isoformat(),
        now=now,
    )
    return True


def compute_retry_delay(attempt_count: int) -> timedelta:
    """Return the wait after this many attempts without progress."""
    doublings = min(max(attempt_count - 1, 0), 10)
    return min(RETRY_DELAY * (1 << doublings), MAX_RETRY_DELAY)


@transaction.atomic
def fail_run(claimed: ClaimedRun, reason: str, detail: str, *, now: datetime) -> bool:
    """End a run as failed, and notify its tenant once."""
    if not claimed.update(
        state="failed",
        reason=reason,
        detail=detail[:MAX_DETAIL_LENGTH],
        finished_at=now,
        heartbeat_at=now,
        **RUN_LEASES.released,
    ):
        return False
    add_log_entry(claimed.run, "failed", level="error", reason=reason, detail=detail, now=now)
    notify_failed_run(claimed.run, reason, now=now)
    return True


def add_log_entry(
    run: Run, kind: str, *, level: str = "info", now: datetime, **parameters: object
) -> None:
    """Append a line to a run's log, up to MAX_LOG_ENTRIES."""
    if RunLogEntry.unscoped.filter(run=run).count() >= MAX_LOG_ENTRIES:
        return
    RunLogEntry.unscoped.create(
        run=run,
        at=now,
        level=level,
        kind=kind,
        parameters={name: _shorten(value) for name, value in parameters.items()},
    )


def _shorten(value: object) -> object:
    return value if isinstance(value, int | float | bool | None) else str(value)[:MAX_DETAIL_LENGTH]
