"""Circuit breaker of a connection, driven by the failure rate of recent calls. Pure.

closed -> open for 30 s -> one probe call -> closed, or open for twice as long, up to 10 minutes.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

FAILURE_RATE = 0.5  # share of recent calls that failed
MIN_CALLS = 10  # the breaker never opens on fewer calls
# Calls that count at most, so that recent calls decide about a busy connection.
MAX_SCORE = 20.0
HALF_LIFE = timedelta(minutes=1)  # after which older calls count half
SCORE_FLOOR = 0.5  # failures below this score are forgotten
FIRST_OPEN_TIME, MAX_OPEN_TIME = timedelta(seconds=30), timedelta(minutes=10)
MAX_FAILED_CALLS = 1_000  # consecutive failures are counted up to here
WARNING_PERCENTS = (90, 70, 50)  # of the time after which the connection is disabled


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Counts of calls by result.

    Calls without evidence about the endpoint (429, maintenance) are not counted.
    """

    up: int = 0  # the endpoint answered
    down: int = 0  # it did not answer, or with 5xx
    succeeded: int = 0
    failed: int = 0

    def __add__(self, other: "CallCounts") -> "CallCounts":
        return CallCounts(
            self.up + other.up,
            self.down + other.down,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True)
class BreakerState:
    """State of one breaker.

    Counting begins with the first failure, so a healthy connection causes no write.
    """

    success_score: float = 0.0
    failure_score: float = 0.0
    scored_at: datetime | None = None
    breaker_trips: int = 0
    open_until: datetime | None = None
    failing_since: datetime | None = None
    failed_calls: int = 0  # in a row

    @classmethod
    def of(cls, lane: Any) -> "BreakerState":
        """Return the state in the columns of a lane."""
        return cls(**{field.name: getattr(lane, field.name) for field in fields(cls)})

    @property
    def is_open(self) -> bool:
        return self.open_until is not None

    @property
    def has_no_failures(self) -> bool:
        return not self.failure_score and not self.is_open and self.failing_since is None


def score_calls(health: BreakerState, calls: CallCounts, *, now: datetime) -> BreakerState:
    """Return the state after these calls."""
    health = replace(
        health,
        failing_since=compute_failing_since(health, calls, now=now),
        failed_calls=count_consecutive_failures(health, calls),
    )
    if health.open_until is not None:
        return health if now < health.open_until else _apply_probe(health, calls, now=now)
    health = add_calls(_decay_scores(health, now=now), calls, now=now)
    total = health.success_score + health.failure_score
    if total >= MIN_CALLS and health.failure_score >= FAILURE_RATE * total:
        return replace(health, breaker_trips=1, open_until=now + compute_open_duration(1))
    return health


def _apply_probe(health: BreakerState, calls: CallCounts, *, now: datetime) -> BreakerState:
    """Return the state after the probe call; one without evidence is repeated as late."""
    if calls.up:
        return close_breaker(health)
    trips = health.breaker_trips + bool(calls.down)
    return replace(health, breaker_trips=trips, open_until=now + compute_open_duration(trips))


def close_breaker(health: BreakerState) -> BreakerState:
    """Reset the breaker, but not the count of consecutive failures of the connection."""
    return BreakerState(failing_since=health.failing_since, failed_calls=health.failed_calls)


def compute_open_duration(trips: int) -> timedelta:
    """Return how long the breaker stays open after so many trips in a row."""
    doublings: int = min(trips - 1, 10)
    return min(FIRST_OPEN_TIME * (1 << doublings), MAX_OPEN_TIME)


def _decay_scores(health: BreakerState, *, now: datetime) -> BreakerState:
    """Return the state with older calls decayed; within one half-life they count in full."""
    half_lives = (now - health.scored_at) // HALF_LIFE if health.scored_at else 0
    if half_lives <= 0:
        return health
    remaining_share = 0.5 ** min(half_lives, 20)
    failures = health.failure_score * remaining_share
    if failures < SCORE_FLOOR:
        return close_breaker(health)
    return replace(
        health,
        success_score=health.success_score * remaining_share,
        failure_score=failures,
        scored_at=now,
    )


def add_calls(health: BreakerState, calls: CallCounts, *, now: datetime) -> BreakerState:
    if not calls.down and not health.failure_score:
        return health
    successes, failures = health.success_score + calls.up, health.failure_score + calls.down
    scale = min(1.0, MAX_SCORE / (successes + failures))
    return replace(
        health,
        success_score=successes * scale,
        failure_score=failures * scale,
        scored_at=health.scored_at or now,
    )


def compute_failing_since(
    health: BreakerState, calls: CallCounts, *, now: datetime
) -> datetime | None:
    if calls.succeeded:
        return None
    return health.failing_since or (now if calls.failed else None)


def count_consecutive_failures(health: BreakerState, calls: CallCounts) -> int:
    """Count failures in a row; a success among the same settled calls resets the count."""
    return 0 if calls.succeeded else min(health.failed_calls + calls.failed, MAX_FAILED_CALLS)


def has_failed_for(health: BreakerState, *, after: timedelta, now: datetime) -> bool:
    """Return whether every attempt has failed for at least this time."""
    return health.failing_since is not None and now - health.failing_since >= after


def find_due_disable_warning(
    health: BreakerState, *, disable_after: timedelta, now: datetime
) -> int | None:
    """Return the highest warning threshold that was reached; None if none was.

    Thresholds are in percent of the time after which the connection is disabled.
    """
    if health.failing_since is None:
        return None
    percent = 100 * ((now - health.failing_since) / disable_after)
    return next((limit for limit in WARNING_PERCENTS if percent >= limit), None)
