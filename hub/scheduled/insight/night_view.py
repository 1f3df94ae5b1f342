"""Charts and tables of a coming or of the last night."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub import charts
from hub.scheduled.insight.run_progress import readable_runs
from hub.scheduled.models import Run
from hub.scheduled.night.allowances import load_quota_lines
from hub.scheduled.night.forecast import NIGHT, forecast_night
from hub.scheduled.night.picture import (
    MINUTE,
    CallColumn,
    NightRun,
    Span,
    count_calls_in_columns,
    find_range,
    list_coming_runs,
    list_past_runs,
)
from hub.scheduled.night.quota_lines import (
    QuotaForecast,
    SystemLine,
    find_system_label,
    find_system_lines,
)
from tenants.models import Tenant

BARS_SHOWN = 60
LATE_RUNS_SHOWN = 50
RUNS_MAX = 5_000  # of one past night
DRAWN_LINE_FACTOR_MAX = 3  # a quota's line further above the columns is stated, and not drawn


@dataclass(frozen=True, slots=True)
class RunBar:
    """A run in the chart: its plan, and what actually happened."""

    night_run: NightRun
    planned: charts.Bar | None
    actual: charts.Bar | None

    @property
    def tone(self) -> str:
        if self.night_run.is_late or self.night_run.state == Run.State.FAILED:
            return "bad"
        return "good" if self.night_run.state == Run.State.FINISHED else "info"


@dataclass(frozen=True, slots=True)
class SystemChart:
    """The calls of one system by minute, and the lines of its quotas.

    `lines`: pairs of a line and its y in the chart; None if it is far above the chart.
    """

    system: str
    columns: Sequence[tuple[CallColumn, charts.Column]]
    lines: Sequence[tuple[SystemLine, float | None]]
    total: int
    busiest_minute_calls: int  # calls in the busiest minute
    value_labels: Sequence[str]  # labels of the vertical axis, from the top


@dataclass(frozen=True, slots=True)
class NightView:
    """The data of a night's page. `bars`: the late runs first, at most BARS_SHOWN."""

    is_forecast: bool
    span: Span
    bars: Sequence[RunBar]
    run_count: int
    late_runs: Sequence[NightRun]
    unknown_count: int
    column_length: timedelta
    systems: Sequence[SystemChart]
    quotas: Sequence[QuotaForecast]

    @property
    def hidden_count(self) -> int:
        return self.run_count - len(self.bars)

    @property
    def column_minutes(self) -> int:
        return self.column_length // MINUTE

    @property
    def bars_height(self) -> int:
        return max(1, len(self.bars))

    @property
    def time_labels(self) -> list[str]:
        return charts.time_labels(self.span.starts_at, self.span.ends_at)

    @property
    def late_shown(self) -> Sequence[NightRun]:
        return self.late_runs[:LATE_RUNS_SHOWN]

    @property
    def hidden_late_count(self) -> int:
        return len(self.late_runs) - len(self.late_shown)


def view_coming_night(*, now: datetime) -> NightView:
    forecast = forecast_night(now=now)
    runs = list_coming_runs(forecast)
    lines = find_system_lines(forecast.quota_lines)
    return build_view(runs, lines, is_forecast=True, quotas=forecast.quotas, now=now)


def view_last_night(*, now: datetime, tenant: Tenant | None = None) -> NightView:
    """Show the runs that were due in the last 24 hours, beside their plan.

    With a tenant only its own runs, and without the lines of quotas, which it shares with others.
    """
    rows = readable_runs().filter(due_at__gt=now - NIGHT, due_at__lte=now).order_by("due_at")
    if tenant:
        rows = rows.filter(tenant=tenant)
    runs = list_past_runs(rows[:RUNS_MAX], now=now)
    keys = {key for night_run in runs if night_run.run for key in night_run.run.calls}
    quota_lines = {} if tenant else load_quota_lines(keys, now=now, starts_at=now)
    lines = find_system_lines(quota_lines)
    return build_view(runs, lines, is_forecast=False, quotas=(), now=now)


def build_view(
    runs: Sequence[NightRun],
    lines: Mapping[str, Sequence[SystemLine]],
    *,
    is_forecast: bool,
    quotas: Sequence[QuotaForecast],
    now: datetime,
) -> NightView:
    span = find_range(runs, now=now)
    length, columns = count_calls_in_columns(runs, span)
    drawn = [night_run for night_run in runs if night_run.planned or night_run.actual]
    drawn.sort(key=lambda night_run: not night_run.is_late)
    shown_runs = sorted(drawn[:BARS_SHOWN], key=find_start)
    return NightView(
        is_forecast,
        span,
        [build_bar(night_run, span) for night_run in shown_runs],
        len(runs),
        [night_run for night_run in runs if night_run.is_late],
        sum(night_run.planned is None for night_run in runs),
        length,
        [
            build_chart(key, rows, lines.get(key, ()), length, is_forecast=is_forecast)
            for key, rows in columns.items()
        ],
        quotas,
    )


def find_start(night_run: NightRun) -> datetime:
    spans = [span for span in (night_run.planned, night_run.actual) if span]
    return min(span.starts_at for span in spans)


def build_bar(night_run: NightRun, span: Span) -> RunBar:
    return RunBar(
        night_run, place_span(night_run.planned, span), place_span(night_run.actual, span)
    )


def place_span(part: Span | None, whole: Span) -> charts.Bar | None:
    if part is None:
        return None
    return charts.time_bar(part.starts_at, part.ends_at, whole.starts_at, whole.ends_at)


def build_chart(
    connector_key: str,
    rows: Sequence[CallColumn],
    lines: Sequence[SystemLine],
    length: timedelta,
    *,
    is_forecast: bool,
) -> SystemChart:
    values = [row.planned if is_forecast else row.actual for row in rows]
    peak = max([*values, *(row.planned for row in rows), 0.0])
    drawn = [line.per_minute for line in lines if line.per_minute <= DRAWN_LINE_FACTOR_MAX * peak]
    top = charts.round_top(max([peak, *drawn]))
    columns = charts.stacked_columns([(value,) for value in values], top)
    return SystemChart(
        find_system_label(connector_key),
        list(zip(rows, columns, strict=True)),
        [
            (line, charts.line_height(line.per_minute, top))
            if line.per_minute in drawn
            else (line, None)
            for line in lines
        ],
        round(sum(values) * (length / MINUTE)),
        round(max(values, default=0)),
        charts.value_labels(top),
    )
