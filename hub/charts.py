"""Charts as SVG columns, computed on the server so that pages need no script. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT, GAP = 240.0, 60.0, 2.0
MIN_HEIGHT = 1.5  # so that a block above 0 is visible


class Block(NamedTuple):
    y: float
    height: float


class Column(NamedTuple):
    x: float
    width: float
    blocks: tuple[Block, ...]  # from the ground up, one for each number


def stacked_columns(numbers: Sequence[Sequence[int]]) -> list[Column]:
    """Return the columns of stacked values, scaled so that the highest column fills the height."""
    highest = max((sum(stack) for stack in numbers), default=0) or 1
    slot = WIDTH / max(1, len(numbers))
    return [
        Column(round(index * slot, 2), round(slot - GAP, 2), _stack_blocks(stack, highest))
        for index, stack in enumerate(numbers)
    ]


def _stack_blocks(stack: Sequence[int], highest: int) -> tuple[Block, ...]:
    blocks, top = [], HEIGHT
    for count in stack:
        height = max(round(HEIGHT * count / highest, 2), MIN_HEIGHT) if count else 0
        top = round(top - height, 2)
        blocks.append(Block(top, height))
    return tuple(blocks)
