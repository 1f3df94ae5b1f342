"""The production clock: the database's, so that leases and due times agree across machines.

Read at start and every few seconds, carried by the monotonic clock in between. The doors hand it down.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection

Clock = Callable[[], datetime]

READ_EVERY = 5.0  # seconds
ASK = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
}


class DatabaseClock:
    def __init__(self) -> None:
        self.read_as = datetime.min.replace(tzinfo=UTC), float("-inf")

    def __call__(self) -> datetime:
        base, read_at = self.read_as
        since = time.monotonic() - read_at
        if since > READ_EVERY and not in_event_loop():
            self.read()
            return self()
        return base + timedelta(seconds=since)

    def read(self) -> None:
        self.read_as = ask_database(), time.monotonic()  # one value: threads beside this one read it meanwhile


def in_event_loop() -> bool:
    """No query may run there; the threads beside the loop keep the clock right."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def ask_database() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(ASK[connection.vendor])
        (value,) = cursor.fetchone()
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


clock = DatabaseClock()
