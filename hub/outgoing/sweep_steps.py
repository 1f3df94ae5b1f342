"""Steps of the sweep for deliveries: expired ones, and those whose pump or wake-up was lost."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from hub.connections.models import KillSwitch, Lane, QuotaQueue
from hub.outgoing.echo.record_pairs import has_due_pairs
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.claim import is_work_due, recover_held_lanes
from hub.outgoing.pump.claiming.crash_limits import SUSPECT_CRASHES
from hub.outgoing.pump.claiming.suspects import has_waiting_suspects
from hub.outgoing.pump.settling.waiting_queues import delete_empty_queues, queues_with_deliveries
from hub.outgoing.queue.expire import expire_deliveries
from hub.outgoing.queue.ordering import wake_stuck_heads
from hub.processes.failpoints import failpoint
from hub.queue import wake_loop, wake_up


def wake_forgotten_lanes(*, now: datetime) -> None:
    """Make lanes due with a due delivery or an open quota queue although their wake-up was lost."""
    due_deliveries = Delivery.unscoped.filter(
        connection=OuterRef("pk"),
        quota_queue=0,
        state="waiting",
        due_at__lte=now,
        crash_count__lt=SUSPECT_CRASHES,
    )
    queues = queues_with_deliveries(QuotaQueue.unscoped.filter(opens_at__lte=now))
    sleeping_lanes = Lane.unscoped.filter(Q(due_at=None) | Q(due_at__gt=now), lease=None)
    sleeping_lanes.filter(Exists(due_deliveries) | Q(pk__in=queues.values("connection"))).update(
        due_at=now
    )


def wake_up_for_due_work(*, now: datetime) -> None:
    failpoint("S1")  # in the middle of a sweep
    if is_work_due(now=now) or has_waiting_suspects(now=now):
        wake_loop("pump", now=now)


def wake_up_for_held_work(*, now: datetime) -> None:
    is_held = Delivery.unscoped.filter(state="held").exists()
    if is_held or KillSwitch.unscoped.exists() or has_due_pairs():
        wake_up("drain", now=now)


STEPS: tuple[Callable[..., object], ...] = (
    expire_deliveries,
    recover_held_lanes,
    wake_stuck_heads,
    delete_empty_queues,
    wake_forgotten_lanes,
    wake_up_for_due_work,
    wake_up_for_held_work,
)
