"""Tasks that django-q2 calls by dotted name. A lost or repeated wake-up changes latency only."""

import random
import time
from contextlib import suppress
from datetime import timedelta

from hub import egress
from hub.db.clock import clock
from hub.egress.async_client import open_async_client
from hub.outgoing.echo.record_pairs import store_due_pairs
from hub.outgoing.insight.search.value_index import PositionMoved, index_next_events
from hub.outgoing.pump import loop
from hub.outgoing.release import release_held_deliveries
from hub.processes import memory
from hub.processes.pool_pipe import is_stop_requested
from hub.queue import acknowledge_wake_up, report_progress, wake_loop, wake_up

INDEXING_TIME = timedelta(seconds=2)  # the next sweep starts the task again
PAIRING_TIME = timedelta(seconds=5)  # likewise
PAUSE = 0.2  # seconds between two batches, in which others use the database


def pump(name: str) -> None:
    acknowledge_wake_up(name)
    ran = loop.run_pump(
        clock=clock,
        open_client=lambda: open_async_client(
            egress.load_rules(), clock=clock, limit=loop.MAX_SOCKETS
        ),
        random=random.random,
        stopping=is_stop_requested,
        start_another=lambda: wake_up("pump", now=clock()),
    )
    if ran:
        memory.trim_memory()  # the next run may be in another process


def drain(name: str) -> None:
    acknowledge_wake_up(name)
    deadline = clock() + PAIRING_TIME
    # first, as held deliveries may wait for them
    while store_due_pairs(now=clock()) and clock() < deadline and not is_stop_requested():
        report_progress()
        time.sleep(PAUSE)
    if release_held_deliveries(now=clock()):
        wake_loop("pump", now=clock())


def index_values(name: str) -> None:
    """Index values for at most two seconds: about 180 events a second while it catches up."""
    acknowledge_wake_up(name)
    deadline = clock() + INDEXING_TIME
    with suppress(PositionMoved):
        while clock() < deadline and not is_stop_requested() and index_next_events(now=clock()):
            time.sleep(PAUSE)
