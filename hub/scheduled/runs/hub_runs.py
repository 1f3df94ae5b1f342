"""Start runs of jobs that the hub makes for a connection; people neither see nor change them."""

from datetime import datetime, timedelta

from django.db import transaction

from hub.connections.models import Connection
from hub.scheduled.models import Job, Run, name_hub_job
from hub.scheduled.runs.due_runs import get_start_window

WINDOW_MINUTES = 7 * 24 * 60  # in which such a run is tried again
NEVER = "0 0 1 1 *"  # the job has no schedule


@transaction.atomic
def start_hub_run(connection: Connection, kind: str, *, now: datetime) -> Run:
    """Create a run of the job of this kind, unless one has not ended; return it."""
    job = _get_or_create_job(connection, kind, now=now)
    assert job.tenant is not None
    Job.unscoped.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)  # one after the other
    open_run = Run.unscoped.filter(job=job, state__in=Run.OPEN_STATES).first()
    return open_run or Run.unscoped.create(
        job=job,
        tenant=job.tenant,
        due_at=now,
        window_ends_at=now + get_start_window(job),
        deadline_at=now + timedelta(minutes=job.deadline_minutes),
        created_at=now,
    )


def _get_or_create_job(connection: Connection, kind: str, *, now: datetime) -> Job:
    columns = {
        "tenant": connection.tenant,
        "name": name_hub_job(kind, connection),
        "connector_key": connection.connector_key,
        "cron": NEVER,
        "is_enabled": False,
        "window_minutes": WINDOW_MINUTES,
        "deadline_minutes": WINDOW_MINUTES,
        "created_at": now,
        "updated_at": now,
    }
    job, _ = Job.unscoped.get_or_create(connection=connection, kind=kind, defaults=columns)
    return job
