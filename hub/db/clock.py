"""The production clock: the database's time, so that leases and due times agree across machines.

It is read at start and every few seconds, and advanced by the monotonic clock in between. Views,
tasks, admin and commands pass it down as `now`.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection

Clock = Callable[[], datetime]

LONG_AGO = datetime.min.replace(tzinfo=UTC)  # earlier than any reading of a clock
SYNCHRONIZE_EVERY_SECONDS = 5.0
CLOCK_SQL = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
}


class DatabaseClock:
    """The database's time. It is read again after `synchronize_every` seconds.

    An event loop, where no query may run, has this machine's time until another thread reads it.
    """

    def __init__(self, *, synchronize_every: float) -> None:
        self.synchronize_every = synchronize_every
        self.last_reading = LONG_AGO, float("-inf")

    def __call__(self) -> datetime:
        base, read_at = self.last_reading
        elapsed = time.monotonic() - read_at
        if elapsed > self.synchronize_every and not _is_in_event_loop():
            self.synchronize()
            return self()
        return datetime.now(UTC) if base == LONG_AGO else base + timedelta(seconds=elapsed)

    def synchronize(self) -> None:
        # one value, as other threads read it meanwhile
        self.last_reading = (_read_database_time(), time.monotonic())


def _is_in_event_loop() -> bool:
    """Return whether this thread runs an event loop, where no query may synchronise the clock."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _read_database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(CLOCK_SQL[connection.vendor])
        (value,) = cursor.fetchone()
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


clock = DatabaseClock(synchronize_every=SYNCHRONIZE_EVERY_SECONDS)


def pause(seconds: float) -> None:
    """Wait; for what is neither a task nor a command, which wait by themselves."""
    time.sleep(seconds)
