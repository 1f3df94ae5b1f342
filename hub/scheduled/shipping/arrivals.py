"""Ship lines as they arrive, without waiting for the next slot, if a job ships every minute."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from hub.scheduled.jobs.schedules import lock_schedules
from hub.scheduled.models import Job, JobSchedule, LogSource, Run
from hub.scheduled.runs.due_runs import get_start_window
from hub.scheduled.shipping.options import parse_shipping_options
from hub.scheduled.shipping.work import find_schedules_with_work

# jobs with a slot in this time ship at once; others at their slots
FREQUENT_SLOT_INTERVAL = timedelta(minutes=2)
PAUSE_AFTER_RUN = timedelta(seconds=4)  # after a run, so that lines are sent in batches
ARRIVAL_RUNS_KEPT_FOR = timedelta(hours=1)  # runs of arrivals, of which there may be many
ARRIVAL = "arrival"  # `requested_by` of these runs


def ship_arrived_lines(*, now: datetime) -> int:
    """Create runs for logs with waiting lines, or bring their next run forward; return how many.

    A step of the sweep, before loops are woken. Logs whose source must be polled are left to the
    slots of their job, and so are logs whose last run did not finish.
    """
    schedules = [
        row for row in frequent_schedules(now=now) if find_log_source(row) != LogSource.COLLECTION
    ]
    if not schedules:
        return 0
    moved = bring_runs_forward(schedules, now=now)
    with_work = find_schedules_with_work(schedules)
    return moved + (create_arrival_runs(with_work, now=now) if with_work else 0)


@transaction.atomic
def create_arrival_runs(schedule_ids: Collection[int], *, now: datetime) -> int:
    """Create a run for each of these schedules without an open run, under their locks."""
    locked = lock_schedules(JobSchedule.unscoped.filter(pk__in=schedule_ids))
    with_work = find_schedules_with_work(locked)
    runs = [
        build_arrival_run(row, now=now)
        for row in locked
        if row.pk in with_work and may_ship_again(row, now=now)
    ]
    Run.unscoped.bulk_create(runs)
    return len(runs)


def frequent_schedules(*, now: datetime) -> QuerySet[JobSchedule]:
    """Return a queryset of the enabled schedules of log shipping with a slot soon."""
    return JobSchedule.unscoped.filter(
        job__kind=Job.Kind.SHIP,
        job__is_enabled=True,
        next_slot_at__lte=now + FREQUENT_SLOT_INTERVAL,
        is_excluded=False,
        tenant__suspended_at=None,
    ).select_related("job", "tenant")


def find_log_source(schedule: JobSchedule) -> str:
    return parse_shipping_options(schedule.job.options).source


def bring_runs_forward(schedules: Collection[JobSchedule], *, now: datetime) -> int:
    """Let runs that are delayed within their window start now; return how many."""
    pairs = {(row.job_id, row.tenant_id) for row in schedules}
    waiting = Run.unscoped.filter(
        state="waiting", started_at=None, due_at__gt=now, due_at__lte=now + FREQUENT_SLOT_INTERVAL
    )
    rows = waiting.filter(job__kind=Job.Kind.SHIP).values_list("pk", "job_id", "tenant_id")
    ids = [pk for pk, job_id, tenant_id in rows if (job_id, tenant_id) in pairs]
    return waiting.filter(pk__in=ids).update(due_at=now) if ids else 0


def may_ship_again(schedule: JobSchedule, *, now: datetime) -> bool:
    """Return whether the last run finished some time ago; delete runs of earlier arrivals."""
    runs = Run.unscoped.filter(job=schedule.job_id, tenant=schedule.tenant_id)
    runs.filter(
        requested_by=ARRIVAL, state=Run.State.FINISHED, finished_at__lt=now - ARRIVAL_RUNS_KEPT_FOR
    ).delete()
    last = runs.order_by("-pk").only("state", "finished_at").first()
    if last is None:
        return True
    is_settled = last.finished_at is not None and last.finished_at <= now - PAUSE_AFTER_RUN
    return is_settled and last.state == Run.State.FINISHED


def build_arrival_run(schedule: JobSchedule, *, now: datetime) -> Run:
    job = schedule.job
    return Run(
        job=job,
        tenant=schedule.tenant,
        requested_by=ARRIVAL,
        due_at=now,
        window_ends_at=now + get_start_window(job),
        deadline_at=now + timedelta(minutes=job.deadline_minutes),
        created_at=now,
    )
