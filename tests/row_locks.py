"""Two transactions that meet at a row lock of PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor

from django.db import connection as database
from django.db import connections, transaction

WITHIN = 60.0  # seconds
POLL_EVERY = 0.01


def waits_for_a_lock():
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def run_beside(first_step, act, last_step, *, waits=True):
    """Run `act` in another transaction, between two steps of one here; return its result.

    The last step is done when `act` waits for a lock, or has ended, if it must not wait.
    """

    def act_and_disconnect():
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as crowd:
        with transaction.atomic():
            first_step()
            acting = crowd.submit(act_and_disconnect)
            deadline = time.monotonic() + WITHIN
            while not (waits_for_a_lock() if waits else acting.done()):
                assert time.monotonic() < deadline
                assert not (waits and acting.done())
                time.sleep(POLL_EVERY)
            last_step()
        return acting.result(WITHIN)
