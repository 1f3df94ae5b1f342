"""Metrics of log shipping."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric

from hub.scheduled.shipping.figures import measure_waiting_logs


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
