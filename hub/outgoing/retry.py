"""When a delivery is tried again. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

MINUTE, HOUR = 60, 3600

# Seconds before each further try: nine of them over 75 hours and a half (Standard Webhooks 1.0.0 suggests such a one)
SCHEDULE = (5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
JITTER = 0.1  # of each wait, upwards
SHORTEST = 1.0


def next_attempt(
    attempts: int,
    *,
    now: datetime,
    random: Callable[[], float],
    after: float | None = None,
    schedule: Sequence[float] = SCHEDULE,
) -> datetime | None:
    """When to try again after so many attempts; None when the schedule is at its end.

    `after` is what the system asked for, in seconds: it may lengthen the wait, never shorten it.
    """
    if attempts > len(schedule):
        return None
    wait = schedule[attempts - 1] if attempts else SHORTEST
    wait = max(wait * (1 + JITTER * random()), after or 0.0, SHORTEST)
    return now + timedelta(seconds=wait)
