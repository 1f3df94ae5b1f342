"""What every long-lived process does beside its job: find what a lost bell or a dead process left lying."""

import threading
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from django.db import Error, connections, transaction
from django.db.models import Exists, OuterRef, Q

from hub import sessions, standing
from hub.clock import Clock
from hub.connections import maintenance
from hub.connections.models import Connection, Lane, Switch
from hub.connections.revoke import end_abandoned
from hub.connections.switch import end_switches
from hub.connections.tasks import ring_for_checks, ring_for_refreshes, ring_for_revocations
from hub.failpoints import failpoint
from hub.mail.tasks import ring_for_mails
from hub.notices.tasks import ring_for_notices
from hub.operations.run import ring_for_forgotten
from hub.outgoing.announce import announce
from hub.outgoing.expire import expire
from hub.outgoing.models import Delivery, Idempotency
from hub.outgoing.order import wake_forgotten_heads
from hub.outgoing.pump.claim import suspects_wait, work_is_due
from hub.outgoing.pump.due import CRASHES_FEW
from hub.outgoing.wake import ring_pump
from hub.prune.prune import ring_once_a_day
from hub.queue import beat, ring
from hub.states import WrongState
from hub.throttle import holders

log = structlog.get_logger(__name__)

SWEEP_EVERY = 5.0  # seconds
ANSWERS_KEPT = timedelta(hours=24)


def sweep(*, now: datetime) -> None:
    """Cheap when there is nothing to find; every step may run anywhere, any number of times."""
    end_pauses(now=now)
    maintenance.keep(now=now)
    holders.bury(now=now)
    ring_for_refreshes(now=now)
    end_abandoned(now=now)
    ring_for_revocations(now=now)
    ring_for_checks(now=now)
    end_switches(now=now)
    expire(now=now)
    wake_forgotten_heads(now=now)
    wake_forgotten_lanes(now=now)
    failpoint("S1")  # in the middle of a sweep
    if work_is_due(now=now) or suspects_wait(now=now):
        ring_pump(now=now)
    if Delivery.unscoped.filter(state="held").exists() or Switch.unscoped.exists():
        ring("drain", now=now)
    announce(now=now)
    ring_for_notices(now=now)
    ring_for_mails(now=now)
    ring_for_forgotten(now=now)
    ring_once_a_day(now=now)
    Idempotency.objects.filter(created_at__lt=now - ANSWERS_KEPT).delete()
    standing.forget_the_old(now=now)
    sessions.forget_the_old(now=now)
    beat("sweep", now=now)


def sweep_beside(clock: Clock, *, every: float = SWEEP_EVERY) -> None:
    """Sweep on a thread beside whatever this process does: work is found even where no worker lives to find it."""
    threading.Thread(target=sweep_for_ever, args=(clock, every, threading.Event()), daemon=True, name="sweep").start()


def sweep_for_ever(clock: Clock, every: float, over: threading.Event) -> None:
    while not over.wait(every):
        try:
            sweep(now=clock())
        except Error as error:
            log.warning("sweep.database_away", error=type(error).__name__)
        except Exception:
            log.exception("sweep.failed")
        finally:
            connections.close_all()


def end_pauses(*, now: datetime) -> None:
    for connection in Connection.unscoped.filter(state="paused", paused_until__lte=now):
        with suppress(WrongState), transaction.atomic():
            connection.resume(now=now)


def wake_forgotten_lanes(*, now: datetime) -> None:
    """A lane that is not due although something waits on it: its wake-up was lost."""
    earlier = Delivery.unscoped.filter(
        connection=OuterRef("pk"), state="waiting", due_at__lte=now, crashes__lt=CRASHES_FEW
    )
    asleep = Lane.unscoped.filter(Q(due_at=None) | Q(due_at__gt=now), lease=None)
    asleep.filter(Exists(earlier)).update(due_at=now)
