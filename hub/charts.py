"""Charts as SVG columns, computed on the server so that pages need no script."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from hub.number_texts import format_rounded, format_whole

WIDTH, HEIGHT, GAP = 240.0, 60.0, 2.0
MIN_HEIGHT = 1.5  # so that a block above 0 is visible
MIN_WIDTH = 1.0  # of a bar


class Block(NamedTuple):
    y: float
    height: float


class Column(NamedTuple):
    x: float
    width: float
    blocks: tuple[Block, ...]  # from the ground up, one for each number


class Bar(NamedTuple):
    x: float
    width: float


def stacked_columns(numbers: Sequence[Sequence[float]], highest: float = 0) -> list[Column]:
    """Return columns of stacked values, scaled so that the highest (at least `highest`) is full."""
    highest = max([highest, *(sum(stack) for stack in numbers)]) or 1
    slot = WIDTH / max(1, len(numbers))
    return [
        Column(
            round(index * slot, 2),
            round(max(slot - GAP, slot / 2), 2),
            _stack_blocks(stack, highest),
        )
        for index, stack in enumerate(numbers)
    ]


def round_top(highest: float) -> int:
    """Return the least of 1, 2 or 5 times a power of ten that is not below `highest`; at least 2,
    so that half of it is a number on the axis.
    """
    size = 1
    while True:
        for top in (size, 2 * size, 5 * size):
            if top >= max(highest, 2):
                return top
        size *= 10


def value_labels(top: int) -> list[str]:
    """Return the labels of the vertical axis, from the top to 0."""
    half = format_rounded(top / 2) if top % 2 else format_whole(top // 2)
    return [format_whole(top), half, "0"]


def spread_labels(labels: Sequence[str], max_count: int = 3) -> list[str]:
    """Return at most `max_count` of the labels of columns, at equal distances: the first and the
    last are among them.
    """
    if len(labels) <= max_count:
        return list(labels)
    last = len(labels) - 1
    return [labels[round(last * number / (max_count - 1))] for number in range(max_count)]


def time_bar(start: datetime, end: datetime, first: datetime, last: datetime) -> Bar:
    """Return the bar of a period in a chart from `first` to `last`, clipped at the edges."""
    whole = (last - first).total_seconds() or 1.0
    left = WIDTH * min(max((start - first).total_seconds() / whole, 0.0), 1.0)
    right = WIDTH * min(max((end - first).total_seconds() / whole, 0.0), 1.0)
    width = max(right - left, MIN_WIDTH)
    return Bar(round(min(left, WIDTH - width), 2), round(width, 2))


def _stack_blocks(stack: Sequence[float], highest: float) -> tuple[Block, ...]:
    blocks, top = [], HEIGHT
    for count in stack:
        height = max(round(HEIGHT * count / highest, 2), MIN_HEIGHT) if count else 0
        top = round(top - height, 2)
        blocks.append(Block(top, height))
    return tuple(blocks)
