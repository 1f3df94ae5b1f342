"""When a connection rests because its endpoint is down: judged by the rate of recent calls. Pure.

closed -> open for 30 s -> one call probes -> closed, or open for twice as long, up to 10 minutes.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

RATE = 0.5  # of recent calls that went wrong
CALLS_LEAST = 10  # below so many nothing is judged
REMEMBERED = 20.0  # calls that count at most, so that a busy connection is judged by what happens now
WINDOW = timedelta(minutes=1)  # each that passes halves what older calls count
FORGOTTEN = 0.5  # failures that are left of a long time ago
REST_FIRST, REST_MOST = timedelta(seconds=30), timedelta(minutes=10)
FAILED_MOST = 1_000  # counted in a row, at most
WARNINGS = (90, 70, 50)  # per cent of the time after which it is switched off


@dataclass(frozen=True, slots=True)
class Calls:
    """What came of some calls. A call that says nothing of the endpoint (429, maintenance) is in none of these."""

    up: int = 0  # the endpoint answered
    down: int = 0  # it did not, or with 5xx
    came_through: int = 0
    failed: int = 0

    def __add__(self, other: "Calls") -> "Calls":
        return Calls(
            self.up + other.up,
            self.down + other.down,
            self.came_through + other.came_through,
            self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True)
class Health:
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
    def calm(self) -> bool:
        return not self.failure_score and not self.is_open and self.failing_since is None


def weigh(health: Health, calls: Calls, *, now: datetime) -> Health:
    """The health after these calls."""
    health = replace(
        health,
        failing_since=failing_since(health, calls, now=now),
        failed_calls=failed_calls(health, calls),
    )
    if health.open_until is not None:
        return health if now < health.open_until else probed(health, calls, now=now)
    health = counted(faded(health, now=now), calls, now=now)
    total = health.success_score + health.failure_score
    if total >= CALLS_LEAST and health.failure_score >= RATE * total:
        return replace(health, breaker_trips=1, open_until=now + rest(1))
    return health


def probed(health: Health, calls: Calls, *, now: datetime) -> Health:
    """After the one call; where it said nothing of the endpoint, another is asked for as long a rest later."""
    if calls.up:
        return closed(health)
    opened = health.breaker_trips + bool(calls.down)
    return replace(health, breaker_trips=opened, open_until=now + rest(opened))


def closed(health: Health) -> Health:
    """The breaker begins anew; what only fails goes on to count as failing."""
    return Health(failing_since=health.failing_since, failed_calls=health.failed_calls)


def rest(opened: int) -> timedelta:
    return min(REST_FIRST * 2 ** min(opened - 1, 10), REST_MOST)


def faded(health: Health, *, now: datetime) -> Health:
    """What older calls still count; within one window they count in full."""
    passed = (now - health.scored_at) // WINDOW if health.scored_at else 0
    if passed <= 0:
        return health
    left = 0.5 ** min(passed, 20)
    wrong = health.failure_score * left
    if wrong < FORGOTTEN:
        return closed(health)
    return replace(health, success_score=health.success_score * left, failure_score=wrong, scored_at=now)


def counted(health: Health, calls: Calls, *, now: datetime) -> Health:
    if not calls.down and not health.failure_score:
        return health
    well, wrong = health.success_score + calls.up, health.failure_score + calls.down
    scale = min(1.0, REMEMBERED / (well + wrong))
    return replace(health, success_score=well * scale, failure_score=wrong * scale, scored_at=health.scored_at or now)


def failing_since(health: Health, calls: Calls, *, now: datetime) -> datetime | None:
    if calls.came_through:
        return None
    return health.failing_since or (now if calls.failed else None)


def failed_calls(health: Health, calls: Calls) -> int:
    """In a row. What came in the same settling as a success is not told apart from what came before it."""
    return 0 if calls.came_through else min(health.failed_calls + calls.failed, FAILED_MOST)


def given_up(health: Health, *, after: timedelta, now: datetime) -> bool:
    """Whether every attempt has failed for so long."""
    return health.failing_since is not None and now - health.failing_since >= after


def warning(health: Health, *, after: timedelta, now: datetime) -> int | None:
    """The highest of the warnings that is due, in per cent."""
    if health.failing_since is None:
        return None
    share = 100 * ((now - health.failing_since) / after)
    return next((percent for percent in WARNINGS if share >= percent), None)
