"""Finish a reconciliation: resolve what was not found again, plan the repairs, publish the result.

All of this joins the transaction that stores the last cursor.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings

from hub.connections.models import Connection
from hub.hooks import Hook
from hub.notices.notify import create_notice
from hub.operations.models import Operation
from hub.outgoing.intake.publish import publish
from hub.scheduled.models import Discrepancy, JobSchedule, Run
from hub.scheduled.reconciliation.comparison import ComparisonCounts
from hub.scheduled.reconciliation.options import ReconcileOptions
from hub.scheduled.reconciliation.progress import Progress
from hub.scheduled.reconciliation.recording import resolve_unseen
from hub.scheduled.reconciliation.result import REPAIRING, STOPPED, build_result, count_records
from tenants.models import Tenant

EVENT_TYPE = "reconciliation.finished"
SOURCE = "hub"
NOTICE_KIND = "discrepancies"


class RepairPlanner(Protocol):
    """Plans and starts the operation that repairs a run's discrepancies; None if there are none."""

    def __call__(self, run: Run, *, now: datetime) -> Operation | None: ...


RUN_REPAIRS: Hook[RepairPlanner] = Hook()


def finish_run(
    run: Run,
    tenant: Tenant,
    connection: Connection,
    progress: Progress,
    options: ReconcileOptions,
    *,
    repair_state: str,
    now: datetime,
) -> None:
    """Store the consequences of a comparison, in the caller's transaction. A dry run has none."""
    if run.is_dry:
        return
    if is_proof(progress):
        resolve_unseen(run, now=now)
    if is_read_complete(progress):
        _store_since(run, progress)
    delete_old_discrepancies(run, now=now)
    operation = RUN_REPAIRS.function(run, now=now) if repair_state == REPAIRING else None
    result = build_result(run, progress, options, operation)
    publish(
        tenant,
        EVENT_TYPE,
        _build_event_data(run, connection, result),
        id=f"{EVENT_TYPE}:{run.public_id}",
        source=SOURCE,
        now=now,
    )
    if result["states"]["new"] or repair_state == STOPPED:
        _notify(run, connection, result, repair_state=repair_state, now=now)


def is_read_complete(progress: Progress) -> bool:
    """Return whether the run read both sides as far as it intended."""
    return all(progress.read_state(name).is_complete for name in progress.cursor.get("reads", {}))


def is_proof(progress: Progress) -> bool:
    """Return whether the run read all records of both sides."""
    return not progress.cursor.get("since") and is_read_complete(progress)


def delete_old_discrepancies(run: Run, *, now: datetime) -> None:
    """Delete the discrepancies of this job and tenant that were resolved long ago."""
    resolved_before = now - timedelta(days=settings.HUB_KEEP_ROWS_DAYS)
    Discrepancy.unscoped.filter(
        job=run.job_id, tenant=run.tenant_id, state="resolved", resolved_at__lt=resolved_before
    ).delete()


def _store_since(run: Run, progress: Progress) -> None:
    """Store where the next incremental run begins: where this complete run began, or at the
    earliest change that it did not judge; of which options and accounts, and of how many records.
    """
    unsettled_since = ComparisonCounts.from_json(progress.counts).unsettled_since
    began_at = progress.began_at
    if unsettled_since:
        began_at = min(began_at, datetime.fromisoformat(unsettled_since))
    schedule = JobSchedule.unscoped.filter(job=run.job_id, tenant=run.tenant_id).first()
    if schedule is not None:
        schedule.cursor = {
            "since": began_at.isoformat(),
            "basis": progress.cursor["basis"],
            "records": count_records(progress),
        }
        schedule.save(update_fields=["cursor"])


def _build_event_data(
    run: Run, connection: Connection, result: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "run": str(run.public_id),
        "job": str(run.job.public_id),
        "name": run.job.name,
        "connection": str(connection.public_id),
        "connector": connection.connector_key,
        **result,
    }


def _notify(
    run: Run, connection: Connection, result: Mapping[str, Any], *, repair_state: str, now: datetime
) -> None:
    is_stopped = repair_state == STOPPED
    count = result["repairs"]["changes"] if is_stopped else result["states"]["new"]
    create_notice(
        NOTICE_KIND,
        "repairs_stopped" if is_stopped else "discrepancies_found",
        {"connection": str(connection), "job": run.job.name, "count": count},
        occurrence=str(run.public_id),
        now=now,
        tenant_id=run.tenant_id,
        connection_id=connection.pk,
    )
