"""Charts of the last day on the dashboard: deliveries of all systems and of each. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext_lazy

from hub.connections.quotas.quota_names import describe_system
from hub.console.overview import Hour, Overview

MAX_SYSTEMS = 12
# tone and label
CHART_PARTS = (("good", gettext_lazy("delivered")), ("bad", gettext_lazy("failed")))


class DayChart(NamedTuple):
    """The deliveries of a day, by hour as charts take them, in the order of `CHART_PARTS`."""

    title: str
    delivered: int
    failed: int
    yesterday: int  # delivered in the 24 hours before
    hours: Sequence[tuple[datetime, tuple[int, int]]]


def build_day_chart(title: str, hours: Sequence[Hour], yesterday: int) -> DayChart:
    return DayChart(
        title,
        sum(hour.delivered for hour in hours),
        sum(hour.failed for hour in hours),
        yesterday,
        [(hour.starts, (hour.delivered, hour.failed)) for hour in hours],
    )


def build_all_chart(snapshot: Overview) -> DayChart:
    yesterday = sum(days[1] for (_, state), days in snapshot.days.items() if state == "delivered")
    return build_day_chart("", snapshot.hours, yesterday)


def build_system_charts(snapshot: Overview) -> list[DayChart]:
    """Return the chart of each system with deliveries in the last two days, the busiest first."""
    counts: Counter[tuple[str, object, str]] = Counter()
    for count in snapshot.hour_counts:
        counts[count.connector_key, count.starts, count.state] += count.rows
    days = snapshot.days
    systems = {connector_key for connector_key, _ in days}
    charts = [
        build_day_chart(
            describe_system(key),
            [
                Hour(
                    hour.starts,
                    counts[key, hour.starts, "delivered"],
                    counts[key, hour.starts, "failed"],
                )
                for hour in snapshot.hours
            ],
            days.get((key, "delivered"), [0, 0])[1],
        )
        for key in systems
    ]
    charts.sort(key=lambda chart: (-(chart.delivered + chart.failed), chart.title))
    return charts[:MAX_SYSTEMS]
