"""Delete what reconciliations stored of a connection's records."""

from datetime import datetime
from typing import Any

from django.db import transaction

from hub.connections.models import Connection
from hub.scheduled.models import Discrepancy, Job, JobSchedule, Run, StagedRecord
from hub.scheduled.runs.claim import RUN_LEASES

ENDED_STATES = ("finished", "failed", "skipped", "cancelled")


@transaction.atomic
def erase_compared_data(connection: Connection, *, now: datetime) -> None:
    """Delete a connection's discrepancies, and the records that its runs have read.

    Runs that have not ended lose their lease, so that
    none compares what is deleted; they begin again.
    """
    Discrepancy.unscoped.filter(connection=connection).delete()
    runs = Run.unscoped.filter(
        tenant=connection.tenant_id, job__connector_key=connection.connector_key
    )
    restarted: dict[str, Any] = {"cursor": {}, **RUN_LEASES.released}
    runs.filter(state="running").update(state="waiting", due_at=now, **restarted)
    runs.filter(state__in=("waiting", "blocked")).update(**restarted)
    StagedRecord.objects.filter(run__in=runs).delete()
    schedules = JobSchedule.unscoped.filter(
        tenant=connection.tenant_id,
        job__connector_key=connection.connector_key,
        job__kind=Job.Kind.RECONCILE,
    )
    schedules.update(cursor={})  # the next run reads everything, and finds again what is deleted


def delete_staged_of_ended_runs(run: Run) -> None:
    """Delete the staged records of earlier runs of job and tenant that failed or were cancelled."""
    ended_runs = Run.unscoped.filter(job=run.job_id, tenant=run.tenant_id, state__in=ENDED_STATES)
    StagedRecord.objects.filter(run__in=ended_runs.exclude(pk=run.pk)).delete()
