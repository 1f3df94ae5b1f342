"""How many rounds of calls a lane's next slice may hold: learned from how its last one went."""

from dataclasses import dataclass, field

FIRST, MOST = 2, 8
QUICK = 0.25  # seconds: a slice that is over so soon may be a longer one


@dataclass(slots=True)
class Strides:
    """A lane that a pump does not know begins small: what it cannot send goes back, which costs as much as sending."""

    known: dict[int, int] = field(default_factory=dict)  # by lane

    def of(self, lane: int) -> int:
        return self.known.get(lane, FIRST)

    def learn(self, lane: int, *, seconds: float, sent: bool) -> None:
        """`sent`: nothing of the slice went back because its time was over, or a quota was spent."""
        if not sent:
            self.known[lane] = max(1, self.of(lane) // 2)
        elif seconds < QUICK:
            self.known[lane] = min(MOST, self.of(lane) * 2)
