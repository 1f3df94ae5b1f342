"""Adaptive batch sizes: how many deliveries the next claim may hold, in all and on each lane."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.db.clock import LONG_AGO

INITIAL_ROUNDS, MAX_ROUNDS = 2, 8  # rounds of as many calls as a lane may have in flight
MAX_PARKED_ROUNDS = 32  # for lanes whose whole batch waits for quotas, which costs no call
QUICK_BATCH_SECONDS = 0.25  # a batch that is completed faster than this may be larger the next time


@dataclass(frozen=True, slots=True)
class ClaimBudget:
    """Limits of one claim: the number of lanes and of deliveries."""

    lanes: int
    deliveries: int


LARGE_BUDGET = ClaimBudget(32, 192)  # many deliveries share the cost of one claim
SMALL_BUDGET = ClaimBudget(16, 64)  # deliveries that become due meanwhile are claimed soon
LANE_SIZE_REMEMBERED_FOR = timedelta(seconds=10)
SMALL_BUDGET_FOR = timedelta(seconds=0.25)


@dataclass(slots=True)
class BatchSizing:
    """Batch size per lane, adapted to the last batches.

    Unknown lanes start with two rounds: returning a delivery that was claimed and not sent costs as
    much as sending it.
    """

    rounds_by_lane: dict[int, int] = field(default_factory=dict)
    # until when a lane counts as active with no more than it may have in flight, and with more
    small_lane_until: datetime = LONG_AGO
    large_lane_until: datetime = LONG_AGO

    @classmethod
    def for_new_pump(cls, *, now: datetime) -> "BatchSizing":
        """Return the sizing of a pump without claims: small claims at first."""
        return cls(small_lane_until=now + SMALL_BUDGET_FOR, large_lane_until=now + SMALL_BUDGET_FOR)

    def rounds_for(self, lane: int) -> int:
        """Return how many rounds of calls the lane's next batch may hold."""
        return self.rounds_by_lane.get(lane, INITIAL_ROUNDS)

    def record_batch(self, lane: int, *, seconds: float, completed: bool) -> None:
        """Adapt to a batch; `completed`: none of its deliveries was returned for lack of time."""
        if not completed:
            self.rounds_by_lane[lane] = max(1, self.rounds_for(lane) // 2)
        elif seconds < QUICK_BATCH_SECONDS:
            self.rounds_by_lane[lane] = min(MAX_ROUNDS, self.rounds_for(lane) * 2)

    def record_parked(self, lane: int) -> None:
        """Adapt to a batch that waits for quotas as a whole: a larger one may hold others."""
        self.rounds_by_lane[lane] = min(MAX_PARKED_ROUNDS, self.rounds_for(lane) * 2)

    def claim_budget(self, *, now: datetime) -> ClaimBudget:
        """Return the small budget while small and large lanes are active.

        Otherwise a small lane would wait until the whole claim of a large lane's backlog is sent.
        """
        both_until = min(self.small_lane_until, self.large_lane_until)
        return SMALL_BUDGET if now < both_until else LARGE_BUDGET

    def observe_claim(self, exceeds_in_flight: Iterable[bool], *, now: datetime) -> None:
        """Remember for LANE_SIZE_REMEMBERED_FOR whether the claim had small and large lanes.

        `exceeds_in_flight`: for each claimed lane, whether it has more deliveries than it may have
        in flight, which makes it a large one.
        """
        for is_large in set(exceeds_in_flight):
            if is_large:
                self.large_lane_until = now + LANE_SIZE_REMEMBERED_FOR
            else:
                self.small_lane_until = now + LANE_SIZE_REMEMBERED_FOR
