"""Plan new runs: the start of each in its window, and its expectation."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from hub.scheduled.models import Run
from hub.scheduled.night.expectations import Expectation, load_expectations
from hub.scheduled.night.offsets import find_interval, find_pace, find_peers, spread_schedules

# a slot that is found so late has the rest of its window only
LATE_SLOT_AFTER = timedelta(minutes=5)


def plan_runs(runs: Collection[Run], *, now: datetime) -> None:
    """Set `due_at`, `expected_seconds` and `expected_calls` of unsaved runs of due slots.

    The rank of a run is among all runs of its slot and window, even if they are planned in several
    batches. Takes two queries for each slot and window.
    """
    groups: dict[tuple[datetime, int], list[Run]] = defaultdict(list)
    for run in runs:
        if run.slot_at is not None:
            groups[run.slot_at, run.job.window_minutes].append(run)
    for (slot_at, minutes), members in groups.items():
        plan_slot(members, slot_at, timedelta(minutes=minutes), now=now)


def plan_slot(runs: Sequence[Run], slot_at: datetime, window: timedelta, *, now: datetime) -> None:
    """Plan unsaved runs of one slot that have the same window."""
    schedules = find_peers(slot_at, window, runs)
    expectations = load_expectations(schedules, now=now)
    offsets = spread_schedules(schedules, window, expectations)
    by_pair = {(schedule.job_id, schedule.tenant_id): schedule for schedule in schedules}
    for run in runs:
        schedule = by_pair.get((run.job_id, run.tenant_id))
        if schedule is None:
            continue
        length = place_run(run, offsets[schedule.pk] / window, schedule.time_zone, now=now)
        if schedule.pk in expectations:
            set_expectation(run, expectations[schedule.pk])
            pace = find_pace(schedules, length, expectations)
            run.seconds_between_calls = pace.get(schedule.pk)


def set_expectation(run: Run, expectation: Expectation) -> None:
    run.expected_seconds = round(expectation.seconds)
    run.expected_calls = expectation.calls


def place_run(run: Run, position: float, time_zone: str, *, now: datetime) -> timedelta:
    """Set when the run is due; `position` is its place in the window, from 0 to 1.

    Returns the length over which the runs of its slot are spread.
    """
    begins = max(run.due_at, now) if now - run.due_at > LATE_SLOT_AFTER else run.due_at
    interval = find_interval(run.job.cron, time_zone, run.slot_at or begins)
    length = max(timedelta(0), min(run.window_ends_at - begins, interval))
    run.due_at = begins + length * position
    return length
