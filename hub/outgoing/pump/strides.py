"""How much the next claim may hold, in all and of each lane: learned from how the last ones went."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FIRST, MOST = 2, 8
PARKED_MOST = 32  # where all of a slice waits for quotas: that costs no call
QUICK = 0.25  # seconds: a slice that is over so soon may be a longer one


@dataclass(frozen=True, slots=True)
class Measure:
    """What one claim may hold at most."""

    lanes: int
    deliveries: int


WIDE = Measure(32, 192)  # much shares the price of one claim
NARROW = Measure(16, 64)  # what is answered, or falls due meanwhile, does not wait for long
REMEMBERED = timedelta(seconds=10)
AT_FIRST = timedelta(seconds=0.25)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Strides:
    """A lane that a pump does not know begins small: what it cannot send goes back, which costs as much as sending."""

    known: dict[int, int] = field(default_factory=dict)  # by lane
    light_until: datetime = (
        LONG_AGO  # so long it is remembered that a lane asked for what it may have in flight or less
    )
    heavy_until: datetime = LONG_AGO  # and that one asked for more

    @classmethod
    def at_first(cls, *, now: datetime) -> "Strides":
        """Of a pump that has seen nothing yet: for a moment it is careful."""
        return cls(light_until=now + AT_FIRST, heavy_until=now + AT_FIRST)

    def of(self, lane: int) -> int:
        """How many rounds of calls its next slice may hold."""
        return self.known.get(lane, FIRST)

    def learn(self, lane: int, *, seconds: float, sent: bool) -> None:
        """`sent`: nothing of the slice went back because its time was over."""
        if not sent:
            self.known[lane] = max(1, self.of(lane) // 2)
        elif seconds < QUICK:
            self.known[lane] = min(MOST, self.of(lane) * 2)

    def learn_parked(self, lane: int) -> None:
        """All of its slice waits for quotas: what may go stands behind it, and a longer slice is sooner there."""
        self.known[lane] = min(PARKED_MOST, self.of(lane) * 2)

    def measure(self, *, now: datetime) -> Measure:
        """Where somebody asks for little beside a backlog, claims are narrow: he would wait behind it."""
        return NARROW if now < min(self.light_until, self.heavy_until) else WIDE

    def saw(self, much: Iterable[bool], *, now: datetime) -> None:
        """Of each slice of a claim, whether it holds more than its lane may have in flight at once."""
        for heavy in set(much):
            if heavy:
                self.heavy_until = now + REMEMBERED
            else:
                self.light_until = now + REMEMBERED
