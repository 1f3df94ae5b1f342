"""Make lanes due, and see to it that a pump looks at them."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from hub.connections.models import Lane
from hub.failpoints import failpoint
from hub.outgoing.pump.place import resident
from hub.queue import ring


def wake(connections: Iterable[int], *, now: datetime) -> None:
    """Make these lanes due, and ring the pump once the transaction has committed."""
    ids = sorted(connections)
    if ids:
        Lane.guard(ids)
        Lane.make_due(ids, now=now)
        transaction.on_commit(lambda: ring_after_commit(now=now), robust=True)


def ring_after_commit(*, now: datetime) -> None:
    failpoint("I2")  # after the commit, before the answer
    ring_pump(now=now)
    failpoint("I3")  # after the doorbell


def ring_pump(*, now: datetime) -> None:
    """Start a pump where none runs; a resident one looks for itself."""
    if not resident(now=now):
        ring("pump", now=now)
