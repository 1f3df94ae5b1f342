"""The page of a coming or of the last night: its runs, calls by minute, and quotas."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from hub.number_texts import format_count
from hub.scheduled.insight.run_progress import readable_runs
from hub.scheduled.night.allowances import load_quota_lines
from hub.scheduled.night.call_columns import (
    MINUTE,
    Span,
    count_calls_in_columns,
    find_actual_span,
    find_planned_span,
    find_range,
)
from hub.scheduled.night.forecast import NIGHT, forecast_night
from hub.scheduled.night.night_run import NightRun
from hub.scheduled.night.past_runs import list_past_runs
from hub.scheduled.night.quota_lines import (
    QuotaForecast,
    SystemLine,
    find_system_label,
    find_system_lines,
)
from tenants.models import Tenant

CALLS = gettext_lazy("calls")
RUNS_SHOWN = 100
RUNS_MAX = 5_000  # of one past night


@dataclass(frozen=True, slots=True)
class SystemCalls:
    """The calls of one system by minute, planned or made, and the lines of its quotas."""

    system: str
    minutes: Sequence[tuple[datetime, Sequence[float]]]  # as the chart takes them
    lines: Sequence[SystemLine]
    total: int
    planned_total: int
    busiest_minute_calls: float

    @property
    def busiest_minute_text(self) -> str:
        return format_count(self.busiest_minute_calls)


@dataclass(frozen=True, slots=True)
class NightView:
    """The data of a night's page. `runs`: by their starts; if there are more, the late ones."""

    is_forecast: bool
    runs: Sequence[NightRun]
    run_count: int
    late_count: int
    unknown_count: int
    ends_at: datetime
    column_length: timedelta
    systems: Sequence[SystemCalls]
    quotas: Sequence[QuotaForecast]

    @property
    def parts(self) -> Sequence[tuple[str, Promise]]:
        """Return tone and label of the numbers in the charts."""
        return [("info", gettext_lazy("planned"))] if self.is_forecast else [("good", CALLS)]

    @property
    def hidden_count(self) -> int:
        return self.run_count - len(self.runs)

    @property
    def column_minutes(self) -> int:
        return self.column_length // MINUTE


def view_coming_night(*, now: datetime) -> NightView:
    forecast = forecast_night(now=now)
    lines = find_system_lines(forecast.quota_lines)
    return build_view(forecast.runs, lines, is_forecast=True, quotas=forecast.quotas, now=now)


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
    planned = [span for run in runs if (span := find_planned_span(run))]
    actual = [span for run in runs if (span := find_actual_span(run.run, now=now))]
    spans = planned if is_forecast else actual
    whole = find_range(spans, now=now)
    planned_totals: Counter[str] = Counter()
    for span in planned:
        planned_totals.update(span.calls)
    # a system is also shown if all its planned calls were never made
    uncalled = Span.between(whole.starts_at, whole.starts_at, dict.fromkeys(planned_totals, 0.0))
    length, columns = count_calls_in_columns([*spans, uncalled], whole)
    shown = sorted(runs, key=lambda run: not run.is_late)[:RUNS_SHOWN]
    return NightView(
        is_forecast,
        sorted(shown, key=lambda run: run.starts_at),
        len(runs),
        sum(run.is_late for run in runs),
        sum(run.expectation is None for run in runs),
        whole.ends_at,
        length,
        [
            SystemCalls(
                find_system_label(key),
                [
                    (whole.starts_at + number * length, [_round_rate(calls)])
                    for number, calls in enumerate(row)
                ],
                lines.get(key, ()),
                round(sum(row) * (length / MINUTE)),
                round(planned_totals[key]),
                _round_rate(max(row)),
            )
            for key, row in columns.items()
        ],
        quotas,
    )


def _round_rate(calls: float) -> float:
    """Return whole calls; less than one stays a part of one, so that few calls are visible."""
    return round(calls) or calls
