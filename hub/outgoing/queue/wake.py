"""Wake-up of lanes: make lanes due, and start a pump if none is running."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from hub.connections.models import Lane
from hub.processes.failpoints import failpoint
from hub.queue import wake_loop


def wake_lanes(connections: Iterable[int], *, now: datetime) -> None:
    """Make these lanes due, and wake the pump when the transaction has committed."""
    ids = sorted(connections)
    if ids:
        Lane.lock_against_release(ids)
        Lane.make_due(ids, now=now)
        transaction.on_commit(lambda: _wake_pump_after_commit(now=now), robust=True)


def _wake_pump_after_commit(*, now: datetime) -> None:
    failpoint("I2")  # after the commit, before the answer
    wake_loop("pump", now=now)
    failpoint("I3")  # after the wake-up
