"""Tasks that django-q2 calls by dotted name. A lost or repeated wake-up changes latency only."""

import time
from datetime import timedelta

from hub.connections.credentials.provider_call import Patience, call_with_heartbeat
from hub.db.clock import clock
from hub.drift.check import SchemaCheckContext
from hub.drift.schedule import check_due_schedules
from hub.processes.pool_pipe import is_stop_requested
from hub.queue import acknowledge_wake_up

RUN_TIME = timedelta(seconds=20)  # of one task; the sweep wakes up another one for the rest
PATIENCE = timedelta(seconds=3)  # with a spent quota


def check_due_connections(name: str) -> None:
    """Check the schemas of due connections on the wake-up `drift`."""
    acknowledge_wake_up(name)
    until = clock() + RUN_TIME
    check_due_schedules(
        SchemaCheckContext(
            call=call_with_heartbeat,
            clock=clock,
            patience=Patience(PATIENCE, time.sleep),
            low_priority=True,
            is_late=lambda: is_stop_requested() or clock() > until,
        )
    )
