"""The columns of the last hours, for an SVG. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from hub.console.overview import Hour
from hub.plot import Block, columns


class Bar(NamedTuple):
    hour: Hour
    x: float
    width: float
    delivered: Block
    failed: Block


def bars(hours: Sequence[Hour]) -> list[Bar]:
    drawn = columns([(hour.delivered, hour.failed) for hour in hours])
    return [Bar(hour, column.x, column.width, *column.blocks) for hour, column in zip(hours, drawn, strict=True)]
