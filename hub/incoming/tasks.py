"""Tasks that django-q2 calls by dotted name. A lost or repeated wake-up changes latency only."""

import time
from datetime import datetime

from hub.db.clock import clock
from hub.incoming.processing.claim import is_message_due
from hub.incoming.processing.inbox_lease import (
    acquire_inbox_lease,
    release_inbox_lease,
    wake_inbox,
)
from hub.incoming.processing.loop import InboxLoop
from hub.outgoing.queue.pump_leases import new_lease
from hub.processes.pool_pipe import is_stop_requested
from hub.queue import acknowledge_wake_up


def process_inbox(name: str) -> None:
    """Run the inbox loop for less than a minute."""
    acknowledge_wake_up(name)
    lease = new_lease()
    acquire_inbox_lease(lease, now=clock())
    try:
        InboxLoop(lease, clock=clock, pause=time.sleep, stopping=is_stop_requested).run()
    finally:
        release_inbox_lease(lease)
    if not is_stop_requested():
        wake_inbox_for_due_messages(now=clock())  # what arrived while the lease was released


def wake_inbox_for_due_messages(*, now: datetime) -> None:
    """Start an inbox loop if messages are due and none runs; a step of the sweep."""
    if is_message_due(now=now):
        wake_inbox(now=now)
