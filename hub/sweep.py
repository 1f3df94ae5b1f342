"""What every long-lived process does beside its job: find what a lost bell or a dead process left lying."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from django.db import Error, InterfaceError, OperationalError, connections, transaction
from django.db import connection as database
from django.db.models import Exists, OuterRef, Q

from hub import sessions, standing
from hub.clock import Clock
from hub.connections import maintenance
from hub.connections.call_health import degrade_failing
from hub.connections.models import Connection, KillSwitch, Lane, QuotaQueue
from hub.connections.revoke import end_abandoned
from hub.connections.switch import end_switches
from hub.connections.tasks import recover_refused, ring_for_checks, ring_for_refreshes, ring_for_revocations
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
from hub.outgoing.pump.queues import tidy_quota_queues, with_deliveries
from hub.outgoing.wake import ring_pump
from hub.prune.prune import ring_once_a_day
from hub.queue import beat, ring
from hub.states import WrongState
from hub.throttle import holders

log = structlog.get_logger(__name__)

SWEEP_EVERY = 5.0  # seconds
ANSWERS_KEPT = timedelta(hours=24)

Step = Callable[..., object]


def sweep(*, now: datetime) -> None:
    """Run every step; one that fails stops no other, is logged by name and shown until it succeeds.

    Cheap when there is nothing to find; each step may run anywhere, any number of times. Raises the database's own
    error where the database is away, since then no step can do anything.
    """
    failed: dict[str, str] = {}
    for step in STEPS:
        try:
            step(now=now)
        except Exception as error:
            if database_is_away(error, usable=database.is_usable):
                raise
            log.exception("sweep.step_failed", step=step.__name__)
            failed[step.__name__] = type(error).__name__
    standing.record_sweep(failed, [step.__name__ for step in STEPS if step.__name__ not in failed], now=now)
    beat("sweep", now=now)


def database_is_away(error: Exception, *, usable: Callable[[], bool]) -> bool:
    """Whether the connection broke, as opposed to one statement that was refused."""
    return isinstance(error, OperationalError | InterfaceError) and not usable()


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


# --- the steps -------------------------------------------------------------------------------------------------------


def end_pauses(*, now: datetime) -> None:
    for connection in Connection.unscoped.filter(state="paused", paused_until__lte=now):
        with suppress(WrongState), transaction.atomic():
            connection.resume(now=now)


def wake_forgotten_lanes(*, now: datetime) -> None:
    """A lane that is not due although something waits on it: its wake-up was lost."""
    earlier = Delivery.unscoped.filter(
        connection=OuterRef("pk"), quota_queue=0, state="waiting", due_at__lte=now, crash_count__lt=CRASHES_FEW
    )
    queues = with_deliveries(QuotaQueue.unscoped.filter(opens_at__lte=now))
    asleep = Lane.unscoped.filter(Q(due_at=None) | Q(due_at__gt=now), lease=None)
    asleep.filter(Exists(earlier) | Q(pk__in=queues.values("connection"))).update(due_at=now)


def ring_for_due_work(*, now: datetime) -> None:
    failpoint("S1")  # in the middle of a sweep
    if work_is_due(now=now) or suspects_wait(now=now):
        ring_pump(now=now)


def ring_for_held_work(*, now: datetime) -> None:
    if Delivery.unscoped.filter(state="held").exists() or KillSwitch.unscoped.exists():
        ring("drain", now=now)


def delete_old_answers(*, now: datetime) -> None:
    Idempotency.objects.filter(created_at__lt=now - ANSWERS_KEPT).delete()


def delete_old_standings(*, now: datetime) -> None:
    standing.forget_the_old(now=now)


def delete_old_sessions(*, now: datetime) -> None:
    sessions.forget_the_old(now=now)


def keep_maintenance(*, now: datetime) -> None:
    maintenance.keep(now=now)


def delete_dead_holders(*, now: datetime) -> None:
    holders.bury(now=now)


STEPS: tuple[Step, ...] = (
    end_pauses,
    keep_maintenance,
    delete_dead_holders,
    ring_for_refreshes,
    recover_refused,
    end_abandoned,
    ring_for_revocations,
    ring_for_checks,
    degrade_failing,
    end_switches,
    expire,
    wake_forgotten_heads,
    tidy_quota_queues,
    wake_forgotten_lanes,
    ring_for_due_work,
    ring_for_held_work,
    announce,
    ring_for_notices,
    ring_for_mails,
    ring_for_forgotten,
    ring_once_a_day,
    delete_old_answers,
    delete_old_standings,
    delete_old_sessions,
)
