"""Bars for an SVG of 240 × 60: charts are made here, so they need no script. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from hub.console.overview import Hour

WIDTH, HEIGHT, GAP = 240.0, 60.0, 2.0


class Bar(NamedTuple):
    hour: Hour
    x: float
    width: float
    delivered: tuple[float, float]  # y and height
    dead: tuple[float, float]


def bars(hours: Sequence[Hour]) -> list[Bar]:
    highest = max((hour.delivered + hour.dead for hour in hours), default=0) or 1
    slot = WIDTH / max(1, len(hours))
    return [bar(hour, number * slot, slot - GAP, highest) for number, hour in enumerate(hours)]


def bar(hour: Hour, x: float, width: float, highest: int) -> Bar:
    good, bad = (round(HEIGHT * count / highest, 2) for count in (hour.delivered, hour.dead))
    good, bad = (max(height, 1.5) if count else 0 for height, count in ((good, hour.delivered), (bad, hour.dead)))
    return Bar(hour, round(x, 2), round(width, 2), (HEIGHT - good, good), (HEIGHT - good - bad, bad))
