"""List the runs of the coming night: waiting ones, and those of slots that are not due yet."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from hub.scheduled.models import JobSchedule, Run
from hub.scheduled.night.expectations import Expectation, load_expectations
from hub.scheduled.night.night_run import NightRun
from hub.scheduled.night.offsets import find_interval, find_pace, spread_schedules
from hub.scheduled.slots import list_slots

SLOTS_MAX = 48  # of one schedule in one night


def list_coming_runs(
    schedules: Sequence[JobSchedule], open_runs: Sequence[Run], *, now: datetime, until: datetime
) -> list[NightRun]:
    """List the runs that are open, and those of the slots up to `until`, by their starts."""
    expectations = load_expectations(schedules, now=now)
    by_pair = {
        (schedule.job_id, schedule.tenant_id): expectations.get(schedule.pk)
        for schedule in schedules
    }
    runs = [
        NightRun(
            run.job,
            run.tenant,
            max(run.started_at or run.due_at, now),
            run.deadline_at,
            find_remaining(run, by_pair.get((run.job_id, run.tenant_id))),
            run.slot_at,
            run,
        )
        for run in open_runs
    ]
    runs += expect_runs_of_slots(schedules, expectations, now=now, until=until)
    return sorted(runs, key=lambda run: run.starts_at)


def find_remaining(run: Run, expectation: Expectation | None) -> Expectation | None:
    """Return the rest of the expectation of a run that has begun: the units not spent yet."""
    if expectation is None:
        return None
    expectation = expectation.at_pace(run.seconds_between_calls)
    if run.state != Run.State.RUNNING:
        return expectation
    units = {
        key: max(0.0, count - float(run.calls.get(key, 0)))
        for key, count in expectation.units_by_quota.items()
    }
    total = sum(expectation.units_by_quota.values())
    part = sum(units.values()) / total if total else 0.0
    return Expectation(units, expectation.seconds * part, expectation.is_own)


def expect_runs_of_slots(
    schedules: Sequence[JobSchedule],
    expectations: Mapping[int, Expectation],
    *,
    now: datetime,
    until: datetime,
) -> list[NightRun]:
    """List the runs of slots that are not due yet, each at its offset in the window."""
    groups: dict[tuple[datetime, int], list[JobSchedule]] = defaultdict(list)
    for schedule in schedules:
        for slot_at in list_coming_slots(schedule, until=until):
            groups[slot_at, schedule.job.window_minutes].append(schedule)
    runs = []
    for (slot_at, minutes), members in groups.items():
        window = timedelta(minutes=minutes)
        offsets = spread_schedules(members, window, expectations)
        for schedule in members:
            interval = find_interval(schedule.job.cron, schedule.time_zone, slot_at)
            length = min(window, interval)
            offset = offsets[schedule.pk] * (length / window)
            pace = find_pace(members, length, expectations).get(schedule.pk)
            expectation = expectations.get(schedule.pk)
            runs.append(
                NightRun(
                    schedule.job,
                    schedule.tenant,
                    max(now, slot_at + offset),
                    slot_at + timedelta(minutes=schedule.job.deadline_minutes),
                    expectation and expectation.at_pace(pace),
                    slot_at,
                )
            )
    return runs


def list_coming_slots(schedule: JobSchedule, *, until: datetime) -> Iterable[datetime]:
    """Return the slots from the schedule's next one up to `until`."""
    if schedule.next_slot_at is None or schedule.next_slot_at >= until:
        return ()
    return list_slots_of(schedule.job.cron, schedule.time_zone, schedule.next_slot_at, until)


@lru_cache(maxsize=4096)
def list_slots_of(
    cron: str, time_zone: str, start: datetime, end: datetime
) -> tuple[datetime, ...]:
    """Return these slots; cached, as many tenants share cron and zone, and pages need all."""
    return tuple(list_slots(cron, time_zone, start=start, end=end, limit=SLOTS_MAX))
