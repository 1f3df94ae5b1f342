"""Disturb the webhooks that calls of the API cause: they arrive late, twice or not at all.

What people change in the application itself is told at once, as without a disturbance.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

FIELDS = {"system", "delay", "lost", "doubled", "seed"}


@dataclass
class Disturbance:
    """`delay`: seconds of the schedule, at most; `lost` and `doubled`: shares of all."""

    delay: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0
    seed: int = 0
    # how many webhooks were caused, were not sent, were sent twice, and are still to be sent
    counts: dict[str, int] = field(
        default_factory=lambda: {"caused": 0, "lost": 0, "doubled": 0, "waiting": 0}
    )

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    @classmethod
    def parse(cls, request_body: Mapping[str, Any]) -> "Disturbance":
        """Raises ValueError with a sentence."""
        if unknown := set(request_body) - FIELDS:
            names = ", ".join(sorted(FIELDS))
            raise ValueError(f"unknown field {min(unknown)!r}; known are {names}")
        values = {name: request_body[name] for name in request_body if name != "system"}
        for name, value in values.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or value < 0 or (name in ("lost", "doubled") and value > 1):
                raise ValueError(f"{name} is a number that is not negative; a share is at most 1")
        return cls(**values)

    def waits(self) -> Iterator[float]:
        """Yield the seconds after which copies of the next webhook are sent; none: it is lost."""
        self.counts["caused"] += 1
        if self._random.random() < self.lost:
            self.counts["lost"] += 1
            return
        is_doubled = self._random.random() < self.doubled
        self.counts["doubled"] += is_doubled
        for _ in range(1 + is_doubled):
            yield self._random.uniform(0, self.delay)

    def shown(self) -> dict[str, Any]:
        return asdict(self)
