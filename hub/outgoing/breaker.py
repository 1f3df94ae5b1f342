"""When a connection rests because its endpoint is down: judged by the rate of recent calls. Pure.

closed -> open for 30 s -> one call probes -> closed, or open for twice as long, up to 10 minutes.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FAILURE_RATE = 0.5  # of recent calls that went wrong
MIN_CALLS = 10  # below so many nothing is judged
MAX_SCORE = (
    20.0  # calls that count at most, so that a busy connection is judged by what happens now
)
HALF_LIFE = timedelta(minutes=1)  # each that passes halves what older calls count
SCORE_FLOOR = 0.5  # failures that are left of a long time ago
FIRST_OPEN_TIME, MAX_OPEN_TIME = timedelta(seconds=30), timedelta(minutes=10)
MAX_FAILED_CALLS = 1_000  # counted in a row, at most
WARNING_PERCENTS = (90, 70, 50)  # per cent of the time after which it is switched off


@dataclass(frozen=True, slots=True)
class CallCounts:
    """What came of some calls. A call that says nothing of the endpoint (429, maintenance) is in none of these."""

    up: int = 0  # the endpoint answered
    down: int = 0  # it did not, or with 5xx
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
    """Calls are counted from the first that goes wrong: a connection where all is well costs nothing."""

    success_score: float = 0.0
    failure_score: float = 0.0
    scored_at: datetime | None = None
    breaker_trips: int = 0
    open_until: datetime | None = None
    failing_since: datetime | None = None
    failed_calls: int = 0  # in a row

    @property
    def is_open(self) -> bool:
        return self.open_until is not None

    @property
    def is_calm(self) -> bool:
        return not self.failure_score and not self.is_open and self.failing_since is None


def score_calls(health: BreakerState, calls: CallCounts, *, now: datetime) -> BreakerState:
    """The health after these calls."""
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
        return replace(health, breaker_trips=1, open_until=now + open_time(1))
    return health


def _apply_probe(health: BreakerState, calls: CallCounts, *, now: datetime) -> BreakerState:
    """After the one call; where it said nothing of the endpoint, another is asked for as long a rest later."""
    if calls.up:
        return close_breaker(health)
    opened = health.breaker_trips + bool(calls.down)
    return replace(health, breaker_trips=opened, open_until=now + open_time(opened))


def close_breaker(health: BreakerState) -> BreakerState:
    """The breaker begins anew; what only fails goes on to count as failing."""
    return BreakerState(failing_since=health.failing_since, failed_calls=health.failed_calls)


def open_time(opened: int) -> timedelta:
    return min(FIRST_OPEN_TIME * 2 ** min(opened - 1, 10), MAX_OPEN_TIME)


def _decay_scores(health: BreakerState, *, now: datetime) -> BreakerState:
    """What older calls still count; within one window they count in full."""
    half_lives = (now - health.scored_at) // HALF_LIFE if health.scored_at else 0
    if half_lives <= 0:
        return health
    remaining_share = 0.5 ** min(half_lives, 20)
    wrong = health.failure_score * remaining_share
    if wrong < SCORE_FLOOR:
        return close_breaker(health)
    return replace(
        health,
        success_score=health.success_score * remaining_share,
        failure_score=wrong,
        scored_at=now,
    )


def add_calls(health: BreakerState, calls: CallCounts, *, now: datetime) -> BreakerState:
    if not calls.down and not health.failure_score:
        return health
    well, wrong = health.success_score + calls.up, health.failure_score + calls.down
    scale = min(1.0, MAX_SCORE / (well + wrong))
    return replace(
        health,
        success_score=well * scale,
        failure_score=wrong * scale,
        scored_at=health.scored_at or now,
    )


def compute_failing_since(
    health: BreakerState, calls: CallCounts, *, now: datetime
) -> datetime | None:
    if calls.succeeded:
        return None
    return health.failing_since or (now if calls.failed else None)


def count_consecutive_failures(health: BreakerState, calls: CallCounts) -> int:
    """In a row. What came in the same settling as a success is not told apart from what came before it."""
    return 0 if calls.succeeded else min(health.failed_calls + calls.failed, MAX_FAILED_CALLS)


def has_failed_for(health: BreakerState, *, after: timedelta, now: datetime) -> bool:
    """Whether every attempt has failed for so long."""
    return health.failing_since is not None and now - health.failing_since >= after


def due_warning_percent(health: BreakerState, *, after: timedelta, now: datetime) -> int | None:
    """The highest of the warnings that is due, in per cent."""
    if health.failing_since is None:
        return None
    share = 100 * ((now - health.failing_since) / after)
    return next((percent for percent in WARNING_PERCENTS if share >= percent), None)
