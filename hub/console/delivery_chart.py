"""Charts of the last day on the dashboard, as columns of an SVG with labelled axes. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hub.charts import Block, round_top, stacked_columns, time_labels, value_labels
from hub.connections.quotas.quota_names import describe_system
from hub.console.day_figures import HOUR
from hub.console.overview import Hour, Overview

MAX_SYSTEMS = 12


class HourBar(NamedTuple):
    hour: Hour
    x: float
    width: float
    delivered: Block
    failed: Block


class DayChart(NamedTuple):
    """A chart with the labels of its axes. `title` and the sums are its text alternative."""

    title: str
    delivered: int
    failed: int
    yesterday: int  # delivered in the 24 hours before
    bars: Sequence[HourBar]
    value_labels: Sequence[str]  # labels of the vertical axis, from the top
    time_labels: Sequence[str]  # labels of the horizontal axis


def build_hour_bars(hours: Sequence[Hour], highest: float = 0) -> list[HourBar]:
    stacks = [(hour.delivered, hour.failed) for hour in hours]
    return [
        HourBar(hour, column.x, column.width, *column.blocks)
        for hour, column in zip(hours, stacked_columns(stacks, highest), strict=True)
    ]


def build_day_chart(title: str, hours: Sequence[Hour], yesterday: int) -> DayChart:
    top = round_top(max((hour.delivered + hour.failed for hour in hours), default=0))
    return DayChart(
        title,
        sum(hour.delivered for hour in hours),
        sum(hour.failed for hour in hours),
        yesterday,
        build_hour_bars(hours, top),
        value_labels(top),
        time_labels(hours[0].starts, hours[-1].starts + HOUR),
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
