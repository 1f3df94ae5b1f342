"""How many loops execute runs: they leave slots of their class to other tasks."""

from datetime import datetime

from hub.queue import has_queued_wake_ups, wake_loop
from hub.queue.work_classes import LONG, count_slots
from hub.scheduled.runs.claim import is_run_due


def count_loops() -> int:
    """Return how many loops one worker may run: one less than the slots of the class."""
    return max(1, count_slots()[LONG] - 1)


def is_slot_wanted() -> bool:
    """Return whether other tasks wait for the only slot of the class; the loop then ends early."""
    return count_slots()[LONG] == 1 and has_queued_wake_ups(LONG)


def wake_runs(*, now: datetime) -> None:
    """Start a loop if runs are due and none is running; a step of the sweep."""
    if is_run_due(now=now):
        wake_loop("run", now=now)
