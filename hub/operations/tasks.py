"""The task that runs operations."""

import time

from hub.db.clock import clock
from hub.operations.operation_runner import run_operation, wake_up_operations
from hub.processes.pool_pipe import is_stop_requested
from hub.queue import acknowledge_wake_up, report_progress

BATCH_PAUSE = 0.02  # seconds between two batches, for others that need the database


def run_operation_slice(name: str) -> None:
    id = int(acknowledge_wake_up(name))
    if run_operation(
        id, clock=clock, pause_between=_pause_between_batches, stopping=is_stop_requested
    ):
        wake_up_operations([id], now=clock())


def _pause_between_batches() -> None:
    report_progress()
    time.sleep(BATCH_PAUSE)
