"""Spread starts over a window, by rank in hash order and weighted by expected calls. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

# of the window: the rest is for runs that a busy worker starts late, as they are skipped after it
STARTS_WINDOW_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class WeightedStart:
    """A run that starts somewhere in a window. `weight`: its expected calls; None: unknown.

    `name` never changes, so that its hash gives the run the same rank every night.
    """

    key: int
    name: str
    weight: float | None = None
    priority: int = 0  # a greater one starts first


def spread_starts(starts: Sequence[WeightedStart], window: timedelta) -> dict[int, timedelta]:
    """Return the offset of each start in the window, by its key.

    The first STARTS_WINDOW_SHARE of the window is divided among the runs in proportion to their
    weights, and each run starts with its part: every minute then has about the same number of
    expected calls. An added run delays the later ones by its own part only.
    """
    weights = fill_weights(starts)
    total = sum(weights.values())
    offsets, before = {}, 0.0
    for start in sorted(starts, key=compute_rank):
        offsets[start.key] = window * STARTS_WINDOW_SHARE * (before / total)
        before += weights[start.key]
    return offsets


def find_call_interval(starts: Sequence[WeightedStart], window: timedelta) -> float:
    """Return the seconds between two calls of a run that spreads them over its part of the window.

    It is the same for all runs, as their parts are in proportion to their calls.
    """
    return window.total_seconds() * STARTS_WINDOW_SHARE / sum(fill_weights(starts).values())


def fill_weights(starts: Sequence[WeightedStart]) -> Mapping[int, float]:
    """Return the weights by key; unknown ones become the mean of known ones, none is below 1."""
    known_weights = [start.weight for start in starts if start.weight is not None]
    mean = sum(known_weights) / len(known_weights) if known_weights else 1.0
    return {start.key: max(1.0, mean if start.weight is None else start.weight) for start in starts}


def compute_rank(start: WeightedStart) -> tuple[int, bytes]:
    return -start.priority, hashlib.sha256(start.name.encode()).digest()
