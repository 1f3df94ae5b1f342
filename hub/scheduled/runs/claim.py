"""Claim due runs under leases, extend the leases, and recover the runs of dead processes.

All writes of a run require that its lease is still held.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from hub.connections.models import KillSwitch
from hub.processes.leases import RowLeases
from hub.scheduled.models import Run

RUN_LEASES = RowLeases(Run, timedelta(seconds=30))
MAX_CRASHES = 5  # in a row without progress; then the run fails
# why a claimed run stops
LOST, CANCELLED, SUSPENDED = "lost", "cancelled", "tenant_suspended"
STOPPING_SWITCHES = ("platform", "scheduled")  # levels of kill switches that stop all runs


def is_switched_off() -> bool:
    """Return whether a kill switch stops all scheduled work."""
    return KillSwitch.unscoped.filter(scope__in=STOPPING_SWITCHES).exists()


def claimable_runs(*, now: datetime) -> QuerySet[Run]:
    """Return a queryset of the runs that may be claimed, highest priority first.

    A run starts in its window; a run that has started may continue at any time. While a run of the
    same job and tenant is unfinished, no other one starts.
    """
    may_start = Q(window_ends_at__gt=now) | Q(started_at__isnull=False)
    runs = Run.unscoped.filter(
        may_start,
        ~has_unfinished_run(),
        state="waiting",
        due_at__lte=now,
        tenant__suspended_at=None,
    )
    return runs.order_by("-job__priority", "due_at", "pk")


def has_unfinished_run() -> Exists:
    """Return the SQL condition that another run of the same job and tenant has started."""
    same_pair = Run.unscoped.filter(
        job=OuterRef("job"),
        tenant=OuterRef("tenant"),
        state__in=Run.OPEN_STATES,  # as the index says
    )
    is_unfinished = Q(state__in=("running", "blocked")) | Q(
        state="waiting", started_at__isnull=False
    )
    return Exists(same_pair.filter(is_unfinished).exclude(pk=OuterRef("pk")))


def is_run_due(*, now: datetime) -> bool:
    """Return whether a run may be claimed, or must be recovered because its process died."""
    is_due = claimable_runs(now=now).exists() or expired_runs(now=now).exists()
    return is_due and not is_switched_off()


def expired_runs(*, now: datetime) -> QuerySet[Run]:
    """Return a queryset of the runs whose lease has expired."""
    return RUN_LEASES.expired(now=now).filter(state="running")


def claim_runs(capacity: int, lease: UUID, *, now: datetime) -> list[Run]:
    """Lease up to `capacity` runs, one of each job and tenant, and count the attempt."""
    if capacity <= 0 or not is_run_due(now=now):
        return []
    try:
        return _claim_runs(capacity, lease, now=now)
    except IntegrityError:  # another worker claimed a run of the same job and tenant meanwhile
        return []


@transaction.atomic
def _claim_runs(capacity: int, lease: UUID, *, now: datetime) -> list[Run]:
    rows = claimable_runs(now=now).values_list("job", "tenant", "pk")[: capacity * 4]
    by_pair: dict[tuple[int, int], int] = {}
    for job_id, tenant_id, pk in rows:
        by_pair.setdefault((job_id, tenant_id), pk)
    chosen_ids = list(by_pair.values())[:capacity]
    waiting = Run.unscoped.filter(pk__in=chosen_ids, state="waiting", due_at__lte=now)
    locked = waiting.select_for_update(skip_locked=True, no_key=True)
    ids = list(locked.values_list("pk", flat=True))
    if not ids:
        return []
    claimed = Run.unscoped.filter(pk__in=ids)
    claimed.update(
        state="running",
        reason="",
        detail="",
        **RUN_LEASES.columns(lease, now=now),
        attempt_count=F("attempt_count") + 1,
        started_at=Coalesce("started_at", now),
        heartbeat_at=now,
    )
    return list(claimed.select_related("job", "tenant").order_by("pk"))


def extend_leases(leases: Mapping[int, UUID], *, now: datetime) -> dict[int, str]:
    """Extend the leases of runs, by pk; return the runs among them that must stop, with the reason.

    LOST: another process has the run, or it has ended.
    """
    held_runs = _select_held(leases)
    held_runs.update(**RUN_LEASES.renewed(now=now), heartbeat_at=now)
    rows = held_runs.values_list("pk", "cancel_requested_at", "tenant__suspended_at")
    found = {
        pk: CANCELLED if cancelled_at else SUSPENDED if suspended_at else ""
        for pk, cancelled_at, suspended_at in rows
    }
    return dict.fromkeys(leases.keys() - found.keys(), LOST) | {
        pk: cause for pk, cause in found.items() if cause
    }


def _select_held(leases: Mapping[int, UUID]) -> QuerySet[Run]:
    return Run.unscoped.filter(pk__in=list(leases), lease__in=set(leases.values()), state="running")


def recover_runs(*, now: datetime) -> Sequence[Run]:
    """Return runs with an expired lease to *waiting*; return those that crashed too often.

    The latter keep their state; the caller has to fail them.
    """
    expired = expired_runs(now=now)
    expired.filter(cancel_requested_at__isnull=False).update(
        state="cancelled", finished_at=now, **RUN_LEASES.released
    )
    expired.filter(attempt_count__lt=MAX_CRASHES).update(
        state="waiting", due_at=now, **RUN_LEASES.released
    )
    crashed = expired.filter(attempt_count__gte=MAX_CRASHES)
    return list(crashed.select_related("job", "tenant"))


def update_held_run(run_id: int, held_lease: UUID, /, **changes: Any) -> bool:
    """Change a run under its lease; return False, without a change, if the lease was lost."""
    held_runs = RUN_LEASES.held(held_lease).filter(pk=run_id, state="running")
    return bool(held_runs.update(**changes))
