"""Create the runs of slots that are due: one for each job, tenant and slot."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from hub.scheduled.jobs.schedules import (
    change_time_zone,
    find_next_slot,
    lock_schedules,
    save_schedules,
)
from hub.scheduled.models import Job, JobSchedule, Run
from hub.scheduled.slots import list_slots

MAX_SLOTS = 200  # of one schedule and pass
MOMENT = timedelta(microseconds=1)
MISSED = "slot_missed"  # the reason of a run that is skipped, as its slot was found too late

# called with the schedules of one slot, the slot and its window; returns offsets by schedule id
AssignOffsets = Callable[[Sequence[JobSchedule], datetime, timedelta], Mapping[int, timedelta]]


@transaction.atomic
def create_due_runs(*, now: datetime) -> int:
    """Create the runs of all slots up to now; return of how many schedules.

    A step of the sweep. Several processes may do this at the same time: a schedule is locked, and
    a run that exists is not created again.
    """
    schedules = lock_schedules(JobSchedule.unscoped.filter(next_slot_at__lte=now))
    by_schedule = {schedule.pk: take_due_slots(schedule, now=now) for schedule in schedules}
    for idle_schedule in find_idle_schedules(schedules):
        by_schedule[idle_schedule] = []
    spread_runs({schedule.pk: schedule for schedule in schedules}, by_schedule, now=now)
    runs = [run for runs in by_schedule.values() for run in runs]
    Run.unscoped.bulk_create(runs, ignore_conflicts=True, batch_size=200)
    save_schedules(schedules)
    return len(schedules)


def find_idle_schedules(schedules: Sequence[JobSchedule]) -> set[int]:
    """Return the ids of schedules whose kind of job says that a run would have nothing to do."""
    by_kind: dict[str, list[JobSchedule]] = defaultdict(list)
    for schedule in schedules:
        by_kind[schedule.job.kind].append(schedule)
    idle: set[int] = set()
    for kind, rows in by_kind.items():
        if path := settings.HUB_JOB_KINDS.get(kind, {}).get("find_work"):
            idle |= {row.pk for row in rows} - import_string(path)(rows)
    return idle


def spread_runs(
    schedules: Mapping[int, JobSchedule], by_schedule: Mapping[int, Sequence[Run]], *, now: datetime
) -> None:
    """Give unsaved runs their offsets in the window of their slot; what runs late has none."""
    assign_offsets: AssignOffsets = import_string(settings.HUB_RUN_OFFSETS)
    by_slot: dict[tuple[datetime, timedelta], dict[int, Run]] = defaultdict(dict)
    for schedule_id, runs in by_schedule.items():
        for run in runs:
            if run.slot_at and run.state == Run.State.WAITING and run.due_at == run.slot_at:
                window = spreading_window(schedules[schedule_id], run.slot_at)
                by_slot[run.slot_at, window][schedule_id] = run
    for (slot, window), run_by_schedule in by_slot.items():
        offsets = assign_offsets([schedules[pk] for pk in run_by_schedule], slot, window)
        for pk, run in run_by_schedule.items():
            run.due_at = slot + offsets[pk]


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
        start=max(schedule.next_slot_at, schedule.last_slot_at + MOMENT),
        end=now + MOMENT,
        limit=MAX_SLOTS,
    )
    if slots:
        schedule.last_slot_at = slots[-1]
        schedule.next_slot_at = find_next_slot(job, schedule.time_zone, after=schedule.last_slot_at)
    has_runs = not tenant.suspended and not schedule.is_excluded
    return build_runs(schedule, slots, now=now) if has_runs else []


def build_runs(schedule: JobSchedule, slots: Sequence[datetime], *, now: datetime) -> list[Run]:
    """Return an unsaved run of each slot; those whose window is over are skipped.

    If all windows are over, and the job runs late, the last one gets another window from now on.
    """
    runs = [build_run(schedule, slot, now=now) for slot in slots]
    missed = [run for run in runs if run.window_ends_at <= now]
    is_caught_up = schedule.next_slot_at is None or schedule.next_slot_at > now
    runs_late = schedule.job.catch_up == Job.CatchUp.RUN_LATE and is_caught_up
    if runs_late and missed and len(missed) == len(runs):
        late_run = missed.pop()
        late_run.due_at, late_run.window_ends_at = now, now + window_of(schedule.job)
    for run in missed:
        run.state, run.reason, run.finished_at = Run.State.SKIPPED, MISSED, now
    return runs


def build_run(schedule: JobSchedule, slot: datetime, *, now: datetime) -> Run:
    """Return the unsaved run of a slot, due at its time."""
    job = schedule.job
    return Run(
        job=job,
        tenant=schedule.tenant,
        slot_at=slot,
        due_at=slot,
        window_ends_at=slot + window_of(job),
        deadline_at=slot + timedelta(minutes=job.deadline_minutes),
        created_at=now,
    )


def spreading_window(schedule: JobSchedule, slot: datetime) -> timedelta:
    """Return over which time runs of a slot are spread: the window, at most to the next slot."""
    window = window_of(schedule.job)
    return min(window, schedule.next_slot_at - slot) if schedule.next_slot_at else window


def window_of(job: Job) -> timedelta:
    """Return how long after its slot a run may start."""
    return timedelta(minutes=job.window_minutes)
