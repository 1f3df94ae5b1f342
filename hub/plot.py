"""Stacked columns for an SVG: pictures are made here, so they need no script. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT, GAP = 240.0, 60.0, 2.0
LEAST = 1.5  # what is not nothing is seen


class Block(NamedTuple):
    y: float
    height: float


class Column(NamedTuple):
    x: float
    width: float
    blocks: tuple[Block, ...]  # from the ground up, one for each number


def columns(numbers: Sequence[Sequence[int]]) -> list[Column]:
    """Of numbers that stand on one another, the highest as high as the picture."""
    highest = max((sum(stack) for stack in numbers), default=0) or 1
    slot = WIDTH / max(1, len(numbers))
    return [
        Column(round(place * slot, 2), round(slot - GAP, 2), stacked(stack, highest))
        for place, stack in enumerate(numbers)
    ]


def stacked(stack: Sequence[int], highest: int) -> tuple[Block, ...]:
    blocks, ground = [], HEIGHT
    for count in stack:
        height = max(round(HEIGHT * count / highest, 2), LEAST) if count else 0
        ground = round(ground - height, 2)
        blocks.append(Block(ground, height))
    return tuple(blocks)
