"""The task of pruning: a few seconds at a time, so that other tasks can run in between."""

import time
from datetime import timedelta

from hub.db.clock import clock
from hub.processes.pool_pipe import is_stop_requested
from hub.prune.batches import prune_until
from hub.queue import acknowledge_wake_up, report_progress, wake_up

RUN_TIME = timedelta(seconds=5)
PAUSE_SECONDS = 0.05  # seconds between two batches, in which the pump uses the database


def prune(name: str) -> None:
    acknowledge_wake_up(name)
    if not prune_until(
        clock=clock,
        deadline=clock() + RUN_TIME,
        pause=_pause_between_batches,
        is_stop_requested=is_stop_requested,
    ):
        wake_up("prune", now=clock())


def _pause_between_batches() -> None:
    report_progress()
    time.sleep(PAUSE_SECONDS)
