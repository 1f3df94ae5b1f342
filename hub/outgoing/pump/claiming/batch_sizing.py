"""How much the next claim may hold, in all and of each lane: learned from how the last ones went."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.db.clock import LONG_AGO

INITIAL_ROUNDS, MAX_ROUNDS = 2, 8
MAX_PARKED_ROUNDS = 32  # where all of a slice waits for quotas: that costs no call
QUICK_SECONDS = 0.25  # seconds: a slice that is over so soon may be a longer one


@dataclass(frozen=True, slots=True)
class ClaimBudget:
    """What one claim may hold at most."""

    lanes: int
    deliveries: int


LARGE_BUDGET = ClaimBudget(32, 192)  # much shares the price of one claim
SMALL_BUDGET = ClaimBudget(
    16, 64
)  # what is answered, or falls due meanwhile, does not wait for long
REMEMBER_FOR = timedelta(seconds=10)
CAUTIOUS_FOR = timedelta(seconds=0.25)


@dataclass(slots=True)
class BatchSizing:
    """A lane that a pump does not know begins small: what it cannot send goes back, which costs as much as sending."""

    rounds_by_lane: dict[int, int] = field(default_factory=dict)  # by lane
    small_lane_until: datetime = LONG_AGO  # so long it is remembered that a lane asked for what it may have in flight or less
    large_lane_until: datetime = LONG_AGO  # and that one asked for more

    @classmethod
    def for_new_pump(cls, *, now: datetime) -> "BatchSizing":
        """Of a pump that has seen nothing yet: for a moment it is careful."""
        return cls(small_lane_until=now + CAUTIOUS_FOR, large_lane_until=now + CAUTIOUS_FOR)

    def rounds_for(self, lane: int) -> int:
        """How many rounds of calls its next slice may hold."""
        return self.rounds_by_lane.get(lane, INITIAL_ROUNDS)

    def record_batch(self, lane: int, *, seconds: float, completed: bool) -> None:
        """`sent`: nothing of the slice went back because its time was over."""
        if not completed:
            self.rounds_by_lane[lane] = max(1, self.rounds_for(lane) // 2)
        elif seconds < QUICK_SECONDS:
            self.rounds_by_lane[lane] = min(MAX_ROUNDS, self.rounds_for(lane) * 2)

    def record_parked(self, lane: int) -> None:
        """All of its slice waits for quotas: what may go stands behind it, and a longer slice is sooner there."""
        self.rounds_by_lane[lane] = min(MAX_PARKED_ROUNDS, self.rounds_for(lane) * 2)

    def claim_budget(self, *, now: datetime) -> ClaimBudget:
        """Where somebody asks for little beside a backlog, claims are narrow: he would wait behind it."""
        return (
            SMALL_BUDGET
            if now < min(self.small_lane_until, self.large_lane_until)
            else LARGE_BUDGET
        )

    def observe_claim(self, exceeds_in_flight: Iterable[bool], *, now: datetime) -> None:
        """Of each slice of a claim, whether it holds more than its lane may have in flight at once."""
        for is_large in set(exceeds_in_flight):
            if is_large:
                self.large_lane_until = now + REMEMBER_FOR
            else:
                self.small_lane_until = now + REMEMBER_FOR
