"""Open runs: recover interrupted ones, skip those whose window is over, and resume blocked ones.

These are steps of the sweep.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from hub.connections.calls.holds import find_block
from hub.scheduled.models import Run
from hub.scheduled.runs.claim import has_unfinished_run, is_switched_off, recover_runs
from hub.scheduled.runs.context import RunBlocked, RunFailed
from hub.scheduled.runs.notices import notify_failed_run
from hub.scheduled.runs.results import ClaimedRun, fail_run
from hub.scheduled.runs.run_connections import NOT_CONNECTED, find_run_connection

MAX_RUNS = 200  # of one step
STILL_RUNNING, WINDOW_MISSED = "still_running", "window_missed"
CRASHED = "run_crashed"
# reasons that are gone when nothing stops the connection any more
CONNECTION_REASONS = (
    "tenant_suspended",
    "switched_off",
    "disconnected",
    "needs_reconnect",
    "paused",
    "disabled",
)


def recover_interrupted_runs(*, now: datetime) -> None:
    """Requeue runs whose process died; fail those that crashed too often without progress."""
    for run in recover_runs(now=now):
        claimed = ClaimedRun(run, run.lease or UUID(int=0), run.calls)
        fail_run(claimed, CRASHED, "", now=now)


def skip_runs_past_window(*, now: datetime) -> int:
    """Skip runs that could not start in their window, with the reason; return how many."""
    expired = Run.unscoped.filter(state="waiting", started_at=None, window_ends_at__lte=now)
    if not expired.exists():
        return 0
    suspended = expired.filter(tenant__suspended_at__isnull=False)
    remaining = "switched_off" if is_switched_off() else WINDOW_MISSED
    return (
        _skip(suspended, "tenant_suspended", now=now)
        + _skip(expired.filter(has_unfinished_run()), STILL_RUNNING, now=now)
        + _skip(expired, remaining, now=now)
    )


def _skip(runs: QuerySet[Run], reason: str, *, now: datetime) -> int:
    ids = list(runs.order_by("pk").values_list("pk", flat=True)[:MAX_RUNS])
    waiting = Run.unscoped.filter(pk__in=ids, state="waiting", started_at=None)
    return waiting.update(state="skipped", reason=reason, finished_at=now)


def resume_blocked_runs(*, now: datetime) -> int:
    """Resume blocked runs whose cause is resolved; return how many.

    A run that is still blocked at the end of its window fails.
    """
    related = ("job__connection", "tenant", "blocking_connection")
    connection = "blocking_connection"
    blocked = Run.unscoped.filter(state="blocked").select_related(
        *related, f"{connection}__tenant", f"{connection}__lane", f"{connection}__credential"
    )
    count = 0
    for run in blocked.order_by("pk")[:MAX_RUNS]:
        if run.window_ends_at <= now:
            fail_blocked_run(run, now=now)
        elif is_block_gone(run, now=now):
            count += resume_run_row(run, now=now)
    return count


def resume_run_row(run: Run, *, now: datetime) -> int:
    """Return a blocked run to *waiting*; 0 if it is not blocked any more."""
    return Run.unscoped.filter(pk=run.pk, state="blocked").update(
        state="waiting",
        reason="",
        detail="",
        due_at=now,
        blocking_connection=None,
        blocking_system="",
    )


@transaction.atomic
def fail_blocked_run(run: Run, *, now: datetime) -> None:
    """End a blocked run as failed, with one notice."""
    blocked = Run.unscoped.filter(pk=run.pk, state="blocked")
    if blocked.update(state="failed", finished_at=now):
        notify_failed_run(run, run.reason, now=now)


def is_block_gone(run: Run, *, now: datetime) -> bool:
    """Return whether a person has resolved the cause of a blocked run.

    If that cannot be determined, any change of the connection counts.
    """
    if run.reason == NOT_CONNECTED:
        return is_connected(run, now=now)
    connection = run.blocking_connection
    if connection is None or find_block(connection.lane):
        return False
    if run.reason in CONNECTION_REASONS:
        return True
    blocked_at = run.heartbeat_at or run.created_at
    return max(connection.changed_at, connection.credential.updated_at) > blocked_at


def is_connected(run: Run, *, now: datetime) -> bool:
    """Return whether the tenant has connected the system that was missing."""
    try:
        find_run_connection(run.job, run.tenant, run.blocking_system, now=now)
    except RunBlocked as error:
        return error.reason != NOT_CONNECTED
    except RunFailed:
        return True
    return True
