"""Metrics of scheduled work: open runs of jobs, and log lines that wait to be shipped."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min, Q
from prometheus_client.core import GaugeMetricFamily, Metric

from hub.scheduled.models import Run
from hub.scheduled.shipping.figures import measure_waiting_logs


def collect_run_metrics(*, now: datetime) -> Iterator[Metric]:
    """Yield the metrics of open runs, in one statement."""
    is_late, is_due = Q(deadline_at__lt=now), Q(state="waiting", due_at__lte=now)
    rows = (
        Run.unscoped.filter(state__in=Run.OPEN_STATES)
        .values("state")
        .annotate(
            count=Count("pk"),
            late=Count("pk", filter=is_late),
            due_at=Min("due_at", filter=is_due),
        )
    )
    counts, late, waits = Counter[str](dict.fromkeys(Run.OPEN_STATES, 0)), 0, 0.0
    for row in rows.order_by():
        counts[row["state"]] = row["count"]
        late += row["late"]
        if row["due_at"]:
            waits = max(waits, (now - row["due_at"]).total_seconds())
    family = GaugeMetricFamily("hub_runs", "Open runs of jobs by state.", labels=["state"])
    for state in Run.OPEN_STATES:
        family.add_metric([state], counts[state])
    yield family
    yield GaugeMetricFamily("hub_runs_late", "Open runs past their deadline.", value=late)
    yield GaugeMetricFamily(
        "hub_run_wait_seconds", "Seconds since the first waiting run was due.", value=waits
    )


def collect_log_metrics(*, now: datetime) -> Iterator[Metric]:
    """Yield backlog and lag of all tenants' logs by source."""
    backlogs: dict[str, int] = defaultdict(int)
    lags: dict[str, float] = defaultdict(float)
    for figures in measure_waiting_logs(now=now):
        backlogs[figures.source] += figures.backlog
        lags[figures.source] = max(lags[figures.source], figures.lag_seconds)
    yield _by_source("hub_log_backlog_lines", "Log lines that wait to be shipped.", backlogs)
    yield _by_source("hub_log_lag_seconds", "Seconds that the oldest of them has waited.", lags)


def _by_source(name: str, documentation: str, values: dict[str, int] | dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=["source"])
    for source, value in sorted(values.items()):
        family.add_metric([source], value)
    return family
