"""One way in which connecting goes wrong."""

from typing import NamedTuple

from connectors.parts import Advice


class Problem(NamedTuple):
    title: str
    advice: Advice
