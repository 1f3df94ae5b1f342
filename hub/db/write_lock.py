"""Wait for SQLite's write lock with little delay, for work that must be answered in time."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.db import OperationalError, transaction
from django.db import connection as database

from hub.db.outages import is_database_busy

MILLISECOND = 0.001  # seconds
# SQLite has no queue: it looks again after 1, 2, 5, 10, 15 ms and so on, at last every 100 ms, and
# whoever looks at a free lock takes it (sqliteDefaultBusyCallback in main.c of SQLite, 2026-12-01)
LOOK_SECONDS = 0.033


@contextmanager
def prompt_transaction() -> Iterator[None]:
    """A transaction that looks for SQLite's write lock at least every 15 ms, all the time.

    Otherwise processes with many short transactions can keep one that waits out for seconds. On
    PostgreSQL, and within a transaction, it is an ordinary one.
    """
    with ExitStack() as stack:
        if database.vendor == "sqlite" and not database.in_atomic_block:
            _begin_promptly(stack)
        else:
            stack.enter_context(transaction.atomic())
        yield


def _begin_promptly(stack: ExitStack) -> None:
    """Begin with short waits, which start with SQLite's shortest delays each time.

    Raises OperationalError after the time that other transactions wait, too.
    """
    seconds = float(settings.DATABASES["default"]["OPTIONS"]["timeout"])
    deadline = time.monotonic() + seconds
    _limit_wait(LOOK_SECONDS)
    try:
        while True:
            try:
                stack.enter_context(transaction.atomic())
                return
            except OperationalError as error:
                if not is_database_busy(error) or time.monotonic() > deadline:
                    raise
    finally:
        _limit_wait(seconds)


def _limit_wait(seconds: float) -> None:
    database.ensure_connection()
    database.connection.execute(f"PRAGMA busy_timeout = {round(seconds / MILLISECOND)}")
