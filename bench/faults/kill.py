"""A kill: when, what, and which processes it ended."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kill:
    """`at`: seconds of the machine's monotonic clock; `pids`: none of them sends where only the
    web was hit.
    """

    at: float
    what: str
    pids: frozenset[int] = frozenset()
    hits_worker: bool = True  # it may leave deliveries behind that nobody finishes
