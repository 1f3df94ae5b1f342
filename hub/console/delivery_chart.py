"""Compute the columns of the chart of the last hours, for an SVG. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from hub.charts import Block, stacked_columns
from hub.console.overview import Hour


class HourBar(NamedTuple):
    hour: Hour
    x: float
    width: float
    delivered: Block
    failed: Block


def build_hour_bars(hours: Sequence[Hour]) -> list[HourBar]:
    chart_columns = stacked_columns([(hour.delivered, hour.failed) for hour in hours])
    return [
        HourBar(hour, column.x, column.width, *column.blocks)
        for hour, column in zip(hours, chart_columns, strict=True)
    ]
