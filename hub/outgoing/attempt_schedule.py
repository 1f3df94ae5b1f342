"""Schedule of the attempts of a delivery. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

MINUTE, HOUR = 60, 3600

# Seconds before each further attempt: nine over 75.5 hours (as Standard Webhooks 1.0.0 suggests).
DEFAULT_SCHEDULE = (
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
JITTER = 0.1  # of each wait, upwards
MIN_WAIT = 1.0


def compute_next_attempt(
    attempts: int,
    *,
    now: datetime,
    random: Callable[[], float],
    requested_wait: float | None = None,
    schedule: Sequence[float] = DEFAULT_SCHEDULE,
) -> datetime | None:
    """Return the time of the next attempt after this many; None at the end of the schedule.

    `requested_wait` is the wait that the system asked for, in seconds: it may lengthen the wait,
    never shorten it.
    """
    if attempts > len(schedule):
        return None
    wait = schedule[attempts - 1] if attempts else MIN_WAIT
    wait = max(wait * (1 + JITTER * random()), requested_wait or 0.0, MIN_WAIT)
    return now + timedelta(seconds=wait)
