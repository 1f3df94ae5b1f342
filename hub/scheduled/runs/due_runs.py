"""Create the runs of slots that are due: one for each job, tenant and slot."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction

from hub.hooks import Hook
from hub.scheduled.jobs.kinds import JOB_KINDS
from hub.scheduled.jobs.schedules import (
    change_time_zone,
    find_next_slot,
    lock_schedules,
    save_schedules,
)
from hub.scheduled.models import Job, JobSchedule, Run
from hub.scheduled.slots import list_slots

MAX_SLOTS = 200  # of one schedule and pass
MICROSECOND = timedelta(microseconds=1)
MISSED = "slot_missed"  # the reason of a run that is skipped, as its slot was found too late


class RunPlanner(Protocol):
    """Spreads unsaved runs over their windows, and says what is expected of them."""

    def __call__(self, runs: Collection[Run], *, now: datetime) -> None: ...


RUN_PLANNER: Hook[RunPlanner] = Hook()


@transaction.atomic
def create_due_runs(*, now: datetime) -> int:
    """Create the runs of all slots up to now; return the number of schedules.

    A step of the sweep. Several processes may do this at the same time: a schedule is locked, and a
    run that exists is not created again.
    """
    schedules = lock_schedules(JobSchedule.unscoped.filter(next_slot_at__lte=now))
    idle_ids = find_idle_schedules(schedules)
    by_schedule = {schedule.pk: take_due_slots(schedule, now=now) for schedule in schedules}
    runs = [run for pk, rows in by_schedule.items() if pk not in idle_ids for run in rows]
    RUN_PLANNER.function([run for run in runs if run.state == Run.State.WAITING], now=now)
    Run.unscoped.bulk_create(runs, ignore_conflicts=True, batch_size=200)
    save_schedules(schedules)
    return len(schedules)


def find_idle_schedules(schedules: Sequence[JobSchedule]) -> set[int]:
    """Return the ids of schedules whose next run would have nothing to do, by the kind of job."""
    by_kind: dict[str, list[JobSchedule]] = defaultdict(list)
    for schedule in schedules:
        by_kind[schedule.job.kind].append(schedule)
    idle: set[int] = set()
    for kind, rows in by_kind.items():
        if find_work := JOB_KINDS[kind].find_work:
            idle |= {row.pk for row in rows} - find_work(rows)
    return idle


def take_due_slots(schedule: JobSchedule, *, now: datetime) -> list[Run]:
    """Return unsaved runs of the schedule's due slots, and advance the unsaved schedule.

    Suspended and excluded tenants have no runs.
    """
    job, tenant = schedule.job, schedule.tenant
    if schedule.time_zone != tenant.time_zone:
        change_time_zone(schedule, tenant.time_zone)
    if schedule.next_slot_at is None:
        return []
    slots = list_slots(
        job.cron,
        schedule.time_zone,
        start=max(schedule.next_slot_at, schedule.last_slot_at + MICROSECOND),
        end=now + MICROSECOND,
        limit=MAX_SLOTS,
    )
    if slots:
        schedule.last_slot_at = slots[-1]
        schedule.next_slot_at = find_next_slot(job, schedule.time_zone, after=schedule.last_slot_at)
    has_runs = not tenant.suspended and not schedule.is_excluded
    return build_runs(schedule, slots, now=now) if has_runs else []


def build_runs(schedule: JobSchedule, slots: Sequence[datetime], *, now: datetime) -> list[Run]:
    """Return an unsaved run of each slot; those whose window is over are skipped.

    If all windows are over, and the job has the option to run late, the last one gets a new window
    that begins now.
    """
    runs = [build_run(schedule, slot, now=now) for slot in slots]
    missed = [run for run in runs if run.window_ends_at <= now]
    is_caught_up = schedule.next_slot_at is None or schedule.next_slot_at > now
    runs_late = schedule.job.catch_up == Job.CatchUp.RUN_LATE and is_caught_up
    if runs_late and missed and len(missed) == len(runs):
        late_run = missed.pop()
        late_run.due_at, late_run.window_ends_at = now, now + get_start_window(schedule.job)
    for run in missed:
        run.state, run.reason, run.finished_at = Run.State.SKIPPED, MISSED, now
    return runs


def build_run(schedule: JobSchedule, slot: datetime, *, now: datetime) -> Run:
    """Return the unsaved run of a slot, due at the slot's time."""
    job = schedule.job
    return Run(
        job=job,
        tenant=schedule.tenant,
        slot_at=slot,
        due_at=slot,
        window_ends_at=slot + get_start_window(job),
        deadline_at=slot + timedelta(minutes=job.deadline_minutes),
        created_at=now,
    )


def get_start_window(job: Job) -> timedelta:
    """Return how long after its slot a run may start."""
    return timedelta(minutes=job.window_minutes)
