"""Notices about a run: it failed, or missed its deadline. Each is sent once."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from hub.connections.models import Connection
from hub.notices.notify import create_notice
from hub.scheduled.jobs.schedules import usable_connections
from hub.scheduled.models import Job, Run

MAX_NOTICES = 100  # of one step


def notify_failed_run(run: Run, reason: str, *, now: datetime) -> None:
    """Notify the tenant that a run has failed for good."""
    _notify(run, "run_failed", "run_failed", reason, now=now)


def notify_missed_deadlines(*, now: datetime) -> int:
    """Notify the tenants of runs that have not ended by their deadline; return how many.

    A step of the sweep.
    """
    late = Run.unscoped.filter(
        state__in=Run.OPEN_STATES, deadline_at__lte=now, deadline_missed_at=None
    )
    runs = list(late.select_related("job", "tenant").order_by("deadline_at")[:MAX_NOTICES])
    for run in runs:
        _notify_missed_deadline(run, now=now)
    return len(runs)


@transaction.atomic
def _notify_missed_deadline(run: Run, *, now: datetime) -> None:
    unnoticed = Run.unscoped.filter(pk=run.pk, deadline_missed_at=None)
    if unnoticed.update(deadline_missed_at=now):
        _notify(run, "deadline_missed", "deadline_missed", run.reason, now=now)


def _notify(run: Run, kind: str, message: str, reason: str, *, now: datetime) -> None:
    """Create a notice of a run that people know; of a gap's read, the gap has one of its own."""
    if run.job.is_made_by_hub:
        return
    connection = find_notified_connection(run.job, run)
    create_notice(
        kind,
        message,
        {"job": run.job.name, "time": format_run_time(run)},
        occurrence=str(run.public_id),
        reason=reason,
        now=now,
        tenant_id=run.tenant_id,
        connection_id=connection.pk if connection else None,
    )


def find_notified_connection(job: Job, run: Run) -> Connection | None:
    """Return the connection for a notice about a run; None if the tenant has none."""
    if job.connection_id:
        return job.connection
    rows = usable_connections().filter(tenant=run.tenant_id, connector_key=job.connector_key)
    return rows.order_by("pk").first()


def format_run_time(run: Run) -> str:
    """Return the time of a run's slot, or of its request, in the tenant's zone."""
    at = run.slot_at or run.created_at
    return f"{at.astimezone(ZoneInfo(run.tenant.time_zone)):%Y-%m-%d %H:%M}"
