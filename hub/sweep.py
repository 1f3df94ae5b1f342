"""What every long-lived process does beside its job: find what a lost bell or a dead process left lying."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from hub.connections import maintenance
from hub.connections.models import Connection, Lane
from hub.connections.tasks import ring_for_refreshes
from hub.operations.run import ring_for_forgotten
from hub.outgoing.models import Delivery, Idempotency
from hub.outgoing.pump.claim import work_is_due
from hub.outgoing.wake import ring_pump
from hub.prune.prune import ring_once_a_day
from hub.queue import beat, ring
from hub.states import WrongState
from hub.throttle import holders

ANSWERS_KEPT = timedelta(hours=24)


def sweep(*, now: datetime) -> None:
    """Cheap when there is nothing to find; every step may run anywhere, any number of times."""
    end_pauses(now=now)
    maintenance.keep(now=now)
    holders.bury(now=now)
    ring_for_refreshes(now=now)
    wake_forgotten_lanes(now=now)
    if work_is_due(now=now):
        ring_pump(now=now)
    if Delivery.unscoped.filter(state="held").exists():
        ring("drain", now=now)
    ring_for_forgotten(now=now)
    ring_once_a_day(now=now)
    Idempotency.objects.filter(created_at__lt=now - ANSWERS_KEPT).delete()
    beat("sweep", now=now)


def end_pauses(*, now: datetime) -> None:
    for connection in Connection.unscoped.filter(state="paused", paused_until__lte=now):
        try:
            connection.heal(now=now)
        except WrongState:
            continue


def wake_forgotten_lanes(*, now: datetime) -> None:
    """A lane that is not due although something waits on it: its wake-up was lost."""
    earlier = Delivery.unscoped.filter(connection=OuterRef("pk"), state="waiting", due_at__lte=now)
    asleep = Lane.unscoped.filter(Q(due_at=None) | Q(due_at__gt=now), lease=None)
    asleep.filter(Exists(earlier)).update(due_at=now)
