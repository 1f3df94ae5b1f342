"""A problem while connecting."""

from typing import NamedTuple

from connectors.schema import Advice


class ConnectProblem(NamedTuple):
    title: str
    advice: Advice
