"""Find the schedules of log shipping that have lines to ship; others would do nothing."""

from collections.abc import Sequence

from django.db.models import F, Q

from hub.audit import AuditHead
from hub.scheduled.models import JobSchedule, Log, LogPosition, LogSource, Run
from hub.scheduled.shipping.options import parse_shipping_options

LogKey = tuple[int, str]  # the id of the tenant, and the source


def find_schedules_with_work(schedules: Sequence[JobSchedule]) -> set[int]:
    """Return the ids of schedules whose next run has lines to ship, in at most three queries.

    A log whose source must be polled always has work. If a run
    is open, no other one is needed, as it also ships lines received since.
    """
    sources = {row.pk: parse_shipping_options(row.job.options).source for row in schedules}
    logs = {(row.tenant_id, sources[row.pk]) for row in schedules}
    waiting_jobs = find_waiting_jobs(logs)
    unread_logs = find_unread_audit_logs(schedules, logs)
    open_runs = find_open_runs(schedules)

    def has_work(row: JobSchedule) -> bool:
        log = (row.tenant_id, sources[row.pk])
        jobs = waiting_jobs.get(log, {})
        is_waiting = jobs.get(row.job_id, any(jobs.values()))
        return sources[row.pk] == LogSource.COLLECTION or is_waiting or log in unread_logs

    return {
        row.pk
        for row in schedules
        if (row.job_id, row.tenant_id) not in open_runs and has_work(row)
    }


def find_waiting_jobs(logs: set[LogKey]) -> dict[LogKey, dict[int | None, bool]]:
    """Return by log and job whether lines wait; a job without a position is not in it."""
    positions = LogPosition.unscoped.filter(tenant__in={tenant for tenant, _ in logs})
    rows = positions.annotate(is_waiting=Q(log__next_line__gt=F("shipped_line"))).values_list(
        "tenant_id", "log__source", "job_id", "is_waiting"
    )
    waiting: dict[LogKey, dict[int | None, bool]] = {}
    for tenant_id, source, job_id, is_waiting in rows:
        waiting.setdefault((tenant_id, source), {})[job_id] = is_waiting
    return waiting


def find_unread_audit_logs(schedules: Sequence[JobSchedule], logs: set[LogKey]) -> set[LogKey]:
    """Return the audit logs with unread rows."""
    tenants = {
        row.tenant_id: str(row.tenant.public_id)
        for row in schedules
        if (row.tenant_id, LogSource.AUDIT) in logs
    }
    if not tenants:
        return set()
    newest = dict(
        AuditHead.objects.filter(chain__in=tenants.values()).values_list("chain", "number")
    )
    cursors = dict(
        Log.unscoped.filter(tenant__in=tenants, source=LogSource.AUDIT).values_list(
            "tenant_id", "read_cursor"
        )
    )
    return {
        (tenant, str(LogSource.AUDIT))
        for tenant, chain in tenants.items()
        if newest.get(chain, 0) > cursors.get(tenant, {}).get("number", 0)
    }


def delete_idle_run_before(run: Run) -> None:
    """Delete the run before this one if both found nothing to ship, as one such run is enough.

    A log whose source must be polled has a run in each slot. Requested runs are kept.
    """
    runs = Run.unscoped.filter(job=run.job_id, tenant=run.tenant_id, pk__lt=run.pk)
    before = runs.order_by("-pk").first()
    is_idle = (
        before is not None
        and before.state == Run.State.FINISHED
        and before.slot_at is not None
        and not any(before.result.values())
    )
    if before is not None and is_idle:
        before.delete()


def find_open_runs(schedules: Sequence[JobSchedule]) -> set[tuple[int, int]]:
    """Return the jobs and tenants with a run that has not ended."""
    runs = Run.unscoped.filter(
        job__in={row.job_id for row in schedules},
        tenant__in={row.tenant_id for row in schedules},
        state__in=Run.OPEN_STATES,
    )
    return set(runs.values_list("job_id", "tenant_id"))
