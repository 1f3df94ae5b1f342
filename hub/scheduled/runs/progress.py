"""Compute the progress and pace of a run, and its expected end. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.scheduled.models import Run


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Counts of records, rows or lines; `rate` is per second. None: unknown."""

    done: int
    expected: int | None
    rate: float | None
    seconds_left: int | None


def measure_progress(run: Run, *, now: datetime) -> RunProgress:
    """Return the progress of a run, from what it has done since its start."""
    rate = _measure_rate(run, now=now)
    missing = None if run.expected_count is None else max(run.expected_count - run.done_count, 0)
    is_running = run.state == Run.State.RUNNING
    seconds_left = round(missing / rate) if is_running and rate and missing is not None else None
    return RunProgress(run.done_count, run.expected_count, rate, seconds_left)


def _measure_rate(run: Run, *, now: datetime) -> float | None:
    if run.started_at is None or not run.done_count:
        return None
    elapsed = (run.finished_at or now) - run.started_at
    return round(run.done_count / max(elapsed, timedelta(seconds=1)).total_seconds(), 2)
