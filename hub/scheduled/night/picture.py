"""Data of a night's charts: runs as bars beside their plan, and calls a minute beside quotas."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.scheduled.models import Run
from hub.scheduled.night.expectations import count_calls
from hub.scheduled.night.forecast import NightForecast

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


@dataclass(frozen=True, slots=True)
class NightRun:
    """A run in the chart. `actual`: None before it starts. `planned`: None without a plan."""

    label: str
    tenant: str
    state: str  # of the run; "planned" while it does not exist
    planned: Span | None
    actual: Span | None
    deadline_at: datetime
    is_late: bool
    explanation: str = ""
    run: Run | None = None
    ends_at: datetime | None = None  # the end, or the predicted one; None: unknown or not yet


@dataclass(frozen=True, slots=True)
class CallColumn:
    """Calls per minute, averaged over the column's `length`."""

    starts_at: datetime
    planned: float
    actual: float


def list_coming_runs(forecast: NightForecast) -> list[NightRun]:
    """Return the runs of a forecast; the prediction is shown as their plan."""
    return [
        NightRun(
            str(expected.job),
            str(expected.tenant),
            expected.run.state if expected.run else "planned",
            Span.between(
                expected.starts_at,
                expected.ends_at or expected.deadline_at,
                expected.expectation.calls,
            )
            if expected.expectation
            else None,
            None,
            expected.deadline_at,
            expected.is_late,
            forecast.explain_lateness(expected),
            expected.run,
            expected.ends_at,
        )
        for expected in forecast.runs
    ]


def list_past_runs(runs: Iterable[Run], *, now: datetime) -> list[NightRun]:
    """Return existing runs with the plan that was made when they were created."""
    return [
        NightRun(
            str(run.job),
            str(run.tenant),
            run.state,
            find_planned_span(run),
            find_actual_span(run, now=now),
            run.deadline_at,
            run.is_late(now=now) or (run.finished_at or now) > run.deadline_at,
            run=run,
            ends_at=run.finished_at,
        )
        for run in runs
    ]


def find_planned_span(run: Run) -> Span | None:
    if run.expected_seconds is None:
        return None
    length = timedelta(seconds=run.expected_seconds)
    return Span.between(run.due_at, run.due_at + length, run.expected_calls)


def find_actual_span(run: Run, *, now: datetime) -> Span | None:
    if run.started_at is None:
        return None
    ends_at = run.finished_at or (now if run.state == Run.State.RUNNING else run.heartbeat_at)
    return Span.between(run.started_at, ends_at or now, count_calls(run.calls))


def find_range(runs: Sequence[NightRun], *, now: datetime) -> Span:
    """Return the time from the first start to the last end, in whole minutes."""
    spans = [span for run in runs for span in (run.planned, run.actual) if span]
    starts_at = min((span.starts_at for span in spans), default=now)
    ends_at = max((span.ends_at for span in spans), default=now)
    first = starts_at.replace(second=0, microsecond=0)
    return Span(first, max(ends_at, first + MINUTE))


def count_calls_in_columns(
    runs: Sequence[NightRun], span: Span
) -> tuple[timedelta, dict[str, list[CallColumn]]]:
    """Return the length of a column, and by connector the calls per minute of each column."""
    minutes = -(-(span.ends_at - span.starts_at) // MINUTE)
    length = MINUTE * -(-minutes // COLUMNS_MAX)
    count = -(-minutes * MINUTE // length)
    planned: dict[str, list[float]] = defaultdict(lambda: [0.0] * count)
    actual: dict[str, list[float]] = defaultdict(lambda: [0.0] * count)
    for run in runs:
        add_calls(planned, run.planned, span.starts_at, length)
        add_calls(actual, run.actual, span.starts_at, length)
    return length, {
        connector_key: [
            CallColumn(
                span.starts_at + length * number,
                planned[connector_key][number],
                actual[connector_key][number],
            )
            for number in range(count)
        ]
        for connector_key in sorted({*planned, *actual})
    }


def add_calls(
    columns: dict[str, list[float]], span: Span | None, start: datetime, length: timedelta
) -> None:
    """Add the calls of a span to the columns that it covers."""
    if span is None or not span.calls:
        return
    duration = span.ends_at - span.starts_at
    for number in range((span.starts_at - start) // length, (span.ends_at - start) // length + 1):
        begins = max(span.starts_at, start + length * number)
        covered = min(span.ends_at, start + length * (number + 1)) - begins
        for connector_key, calls in span.calls.items():
            row = columns[connector_key]
            if 0 <= number < len(row) and covered > timedelta(0):
                row[number] += calls * (covered / duration) / (length / MINUTE)
