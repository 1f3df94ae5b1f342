"""How much the next claim may hold, in all and of each lane: learned from how the last ones went."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FIRST, MOST = 2, 8
QUICK = 0.25  # seconds: a slice that is over so soon may be a longer one


@dataclass(frozen=True, slots=True)
class Measure:
    """What one claim may hold at most."""

    lanes: int
    deliveries: int


WIDE = Measure(64, 256)  # much shares the price of one claim
NARROW = Measure(16, 64)  # what is answered, or falls due meanwhile, does not wait for long
NARROW_FOR = timedelta(seconds=10)


@dataclass(slots=True)
class Strides:
    """A lane that a pump does not know begins small: what it cannot send goes back, which costs as much as sending."""

    known: dict[int, int] = field(default_factory=dict)  # by lane
    narrow_until: datetime = datetime.min.replace(tzinfo=UTC)

    def of(self, lane: int) -> int:
        """How many rounds of calls its next slice may hold."""
        return self.known.get(lane, FIRST)

    def learn(self, lane: int, *, seconds: float, sent: bool) -> None:
        """`sent`: nothing of the slice went back because its time was over, or a quota was spent."""
        if not sent:
            self.known[lane] = max(1, self.of(lane) // 2)
        elif seconds < QUICK:
            self.known[lane] = min(MOST, self.of(lane) * 2)

    def measure(self, *, now: datetime) -> Measure:
        return NARROW if now < self.narrow_until else WIDE

    def saw(self, full: Iterable[bool], *, now: datetime) -> None:
        """Whether each slice of a claim was full. Some and some not: beside a backlog, somebody asks for little."""
        if len(set(full)) > 1:
            self.narrow_until = now + NARROW_FOR
