"""What all suites share: a bench, and the options it is given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.figures import Figure
from bench.sink.client import Sink


@dataclass(frozen=True, slots=True)
class Options:
    """`quick`: small counts, to see that a bench runs; `long`: of faults, 200 kills.

    `seed`: of what is random in a bench; None: the bench's own.
    """

    quick: bool
    long: bool
    seed: int | None = None


class Bench(Protocol):
    """A module that measures one thing."""

    @property
    def DATABASES(self) -> Sequence[str]:
        """The databases on which it measures."""

    def measure(self, sink: Sink, options: Options) -> Iterator[Figure]:
        """Yield the figures."""
