"""Wake-ups: the only interface to django-q2. A task is only a name; rows state the work.

A lost, late, duplicate or unprocessable wake-up changes only the latency.
"""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event

from django.core.signing import BadSignature
from django.db import Error, connection, models
from django.db.models import Q
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from hub.db.clock import clock
from hub.processes import pool_pipe
from hub.processes.loop_slots import LoopKind, is_loop_running
from hub.queue.work_classes import WORK_CLASSES, find_wake_up_task, find_work_class

CANARY = "canary"  # name of the task that each pool sends itself, and of its heartbeat
CANARY_EVERY_SECONDS = 2.0
HEARTBEAT_EVERY = timedelta(seconds=5)
DATABASE_RETRY_EVERY_SECONDS = 0.5  # between attempts while the database is away
MEMBER_POLL_EVERY_SECONDS = 0.05  # between looks for an idle member
# a wake-up without acknowledgement may be sent again
WAKE_UP_REPEATED_AFTER = timedelta(seconds=10)
NEVER = Event()


class WakeUp(models.Model):
    """A wake-up, with the time when it was sent, until it is acknowledged.

    There is one row for each name, so the queue never fills.
    """

    name = models.CharField(max_length=80, primary_key=True)
    requested_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """The time at which a worker, a pool (canary), a web process or the sweep was last alive."""

    name = models.CharField(max_length=80, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"


def wake_up(name: str, *, now: datetime) -> bool:
    """Send the wake-up `name` ("pump", "refresh:17") at commit; return False if one is pending."""
    recently_sent = Q(requested_at__gte=now - WAKE_UP_REPEATED_AFTER)
    if not WakeUp.objects.filter(name=name).exclude(recently_sent).update(requested_at=now):
        _, created = WakeUp.objects.get_or_create(name=name, defaults={"requested_at": now})
        if not created:
            return False
    async_task(
        find_wake_up_task(name).path,
        name,
        broker=WakeUpBroker(find_work_class(name)),
    )
    return True


def wake_loop(kind: LoopKind, *, now: datetime) -> None:
    """Start a loop if none is running; a running one finds due work by itself."""
    if not is_loop_running(kind, now=now):
        wake_up(kind, now=now)


def acknowledge_wake_up(name: str) -> str:
    """Acknowledge a wake-up, so that it can be sent again, and return the id in its name.

    Each task calls this first.
    """
    pool_pipe.send_heartbeat()
    WakeUp.objects.filter(name=name).update(requested_at=None)
    _record_pool_heartbeat(now=clock())
    return name.partition(":")[2]


def pending_wake_ups(prefix: str, *, since: datetime) -> list[str]:
    """Return the pending wake-ups whose names start with `prefix`, sent since a time."""
    return list(
        WakeUp.objects.filter(name__startswith=prefix, requested_at__gte=since).values_list(
            "name", flat=True
        )
    )


def migrate_queued_tasks() -> None:
    """Update function and queue of each queued task to those of this version.

    During a restart an earlier version may have queued tasks that this version calls otherwise, or
    where none of its pools reads. A task that cannot be read is deleted: its wake-up row sends it
    again.
    """
    for row in OrmQ.objects.all():
        try:
            task = SignedPackage.loads(row.payload)
            name = str(task["args"][0])
        except (BadSignature, LookupError, TypeError, ValueError):
            row.delete()
            continue
        with suppress(LookupError):  # a later version's
            row.payload = SignedPackage.dumps(task | {"func": find_wake_up_task(name).path})
            row.key = find_work_class(name)
            row.save(update_fields=["payload", "key"])


def reset_wake_ups() -> None:
    """Reset all pending wake-ups after a pool died, so that each can be sent again at once."""
    WakeUp.objects.update(requested_at=None)


def queue_length() -> int:
    """Return the number of queued tasks: each wake-up once within WAKE_UP_REPEATED_AFTER."""
    return int(OrmQ.objects.count())


def has_queued_wake_ups(work_class: str) -> bool:
    """Return whether a wake-up of this class is queued until a slot is free."""
    return bool(OrmQ.objects.filter(key=work_class).exists())


def record_heartbeat(name: str, *, now: datetime) -> None:
    """Store the time at which a worker, a pool or the sweep was alive."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def report_progress() -> None:
    """Send a heartbeat from a task of more than a few seconds, as its pool would seem hung."""
    pool_pipe.send_heartbeat()


def run_canary(name: str) -> None:
    """Record that this pool receives its tasks; a lost database only skips the heartbeat row."""
    pool_pipe.send_heartbeat()
    with suppress(Error):
        _record_pool_heartbeat(now=clock())


def _record_pool_heartbeat(*, now: datetime) -> None:
    """Store the heartbeat for metrics, at most every HEARTBEAT_EVERY."""
    if not Heartbeat.objects.filter(name=CANARY, at__gt=now - HEARTBEAT_EVERY).exists():
        record_heartbeat(CANARY, now=now)


class WakeUpBroker(ORM):
    """The broker of one pool: its queue is the stored wake-ups, and a canary of this pool.

    `idle_classes()` returns the classes of work for which the pool currently takes tasks;
    `pause(seconds)` waits between two looks, and may return sooner.

    The canary passes through the same steps as every task, from the pusher to a member, and no
    other pool can take it. A wake-up leaves the queue when it is taken; if it is lost after that,
    the sweep finds the row for which it was sent.
    """

    canary_sent_at = float("-inf")

    def __init__(
        self,
        list_key: str | None = None,
        *,
        idle_classes: Callable[[], Collection[str]] = lambda: WORK_CLASSES,
        pause: Callable[[float], object] = NEVER.wait,
    ) -> None:
        super().__init__(list_key)
        self.idle_classes = idle_classes
        self.pause = pause

    def dequeue(self) -> list[tuple[int | None, str]] | None:
        """Return a list with the next task: the canary if it is due, otherwise the oldest wake-up.

        Returns None, mostly after a short wait, if no member is idle, no wake-up is queued, another
        pool took it, or the database connection is lost.
        """
        try:
            classes = self.idle_classes()
            if not classes:  # leave the wake-ups to other pools
                self.pause(MEMBER_POLL_EVERY_SECONDS)
                return None
            is_canary_due = time.monotonic() - self.canary_sent_at > CANARY_EVERY_SECONDS
            if is_canary_due and find_work_class(CANARY) in classes:
                self.canary_sent_at = time.monotonic()
                return [(None, build_canary_task())]
            return self.take_oldest(classes)
        except Error:  # django-q2's pusher would sleep for ten seconds and end
            connection.close()
            self.pause(DATABASE_RETRY_EVERY_SECONDS)
            return None

    def take_oldest(self, classes: Collection[str]) -> list[tuple[int | None, str]] | None:
        """Remove and return the oldest wake-up of these classes; None if another pool took it."""
        tasks = self.get_connection().filter(key__in=classes).order_by("pk")
        oldest = tasks.values_list("pk", "payload").first()
        if oldest is None:
            self.pause(Conf.POLL)
            return None
        pk, payload = oldest
        deleted, _ = OrmQ.objects.filter(pk=pk).delete()
        return [(None, payload)] if deleted else None


def build_canary_task() -> str:
    """Return a signed task in the format of async_task."""
    task = {
        "id": CANARY,
        "name": CANARY,
        "func": find_wake_up_task(CANARY).path,
        "args": (CANARY,),
        "kwargs": {},
    }
    return str(SignedPackage.dumps(task))
