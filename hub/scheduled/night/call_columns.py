"""Calls of a night by minute: planned ones, or those that its runs made."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.scheduled.models import Run
from hub.scheduled.night.expectations import count_calls
from hub.scheduled.night.night_run import NightRun

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
COLUMNS_MAX = 120  # of one chart


@dataclass(frozen=True, slots=True)
class Span:
    """A period with calls by connector, evenly spread over it."""

    starts_at: datetime
    ends_at: datetime
    calls: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def between(cls, start: datetime, end: datetime, calls: Mapping[str, float]) -> "Span":
        """Return a period of at least a second, so that its calls can be shown."""
        return cls(start, max(end, start + SECOND), calls)


def find_planned_span(night_run: NightRun) -> Span | None:
    """Return the planned period; None if nothing is known of the run."""
    if night_run.expectation is None:
        return None
    ends_at = night_run.ends_at or night_run.deadline_at
    return Span.between(night_run.starts_at, ends_at, night_run.expectation.calls)


def find_actual_span(run: Run | None, *, now: datetime) -> Span | None:
    """Return the period of a run that has begun, with the calls that it made."""
    if run is None or run.started_at is None:
        return None
    ends_at = run.finished_at or (now if run.state == Run.State.RUNNING else run.heartbeat_at)
    return Span.between(run.started_at, ends_at or now, count_calls(run.calls))


def find_range(spans: Sequence[Span], *, now: datetime) -> Span:
    """Return the time from the first start to the last end, in whole minutes."""
    starts_at = min((span.starts_at for span in spans), default=now)
    ends_at = max((span.ends_at for span in spans), default=now)
    first = starts_at.replace(second=0, microsecond=0)
    return Span(first, max(ends_at, first + MINUTE))


def count_calls_in_columns(
    spans: Sequence[Span], whole: Span
) -> tuple[timedelta, dict[str, list[float]]]:
    """Return the length of a column, and by connector the calls per minute of each column."""
    minutes = -(-(whole.ends_at - whole.starts_at) // MINUTE)
    length = MINUTE * -(-minutes // COLUMNS_MAX)
    count = -(-minutes * MINUTE // length)
    columns: dict[str, list[float]] = defaultdict(lambda: [0.0] * count)
    for span in spans:
        add_calls(columns, span, whole.starts_at, length)
    return length, {connector_key: columns[connector_key] for connector_key in sorted(columns)}


def add_calls(
    columns: dict[str, list[float]], span: Span, start: datetime, length: timedelta
) -> None:
    """Add the calls of a span to the columns that it covers."""
    if not span.calls:
        return
    duration = span.ends_at - span.starts_at
    for number in range((span.starts_at - start) // length, (span.ends_at - start) // length + 1):
        begins = max(span.starts_at, start + length * number)
        covered = min(span.ends_at, start + length * (number + 1)) - begins
        for connector_key, calls in span.calls.items():
            row = columns[connector_key]
            if 0 <= number < len(row) and covered > timedelta(0):
                row[number] += calls * (covered / duration) / (length / MINUTE)
