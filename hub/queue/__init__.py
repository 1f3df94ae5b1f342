"""Ring a doorbell: the only door to django-q2. A task carries a name; rows are the truth.

A lost, late, doubled or poisoned bell may change latency and nothing else.
"""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event

from django.conf import settings
from django.db import Error, connection, models
from django.db.models import Q
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from hub.db.clock import clock
from hub.processes import pool_pipe

CANARY = "canary"  # the beat of a pool that hears, and the bell that each pool rings for itself
CANARY_EVERY = 2.0  # seconds
HEARTBEAT_EVERY = timedelta(seconds=5)
DATABASE_RETRY_EVERY = 0.5  # seconds between looks at a database that is away
MEMBER_POLL_EVERY = 0.05  # seconds between looks for an idle member
PUMP = "pump"  # the bell that waits under a key of its own, as a pool that runs all its pumps leaves it to others
REPEAT_AFTER = timedelta(seconds=10)  # a bell that nobody heard for so long is rung again


class WakeUp(models.Model):
    """A bell that was rung and not yet heard. At most one for each name, so the queue never fills."""

    name = models.CharField(max_length=80, primary_key=True)
    requested_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """When something was last alive: the worker, its pool (canary), the sweep."""

    name = models.CharField(max_length=80, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"


def wake_up(name: str, *, now: datetime) -> bool:
    """Ring the bell `name` ("pump", or "refresh:17" with an id) unless it rings already. Joins the transaction."""
    recently_sent = Q(requested_at__gte=now - REPEAT_AFTER)
    if not WakeUp.objects.filter(name=name).exclude(recently_sent).update(requested_at=now):
        _, created = WakeUp.objects.get_or_create(name=name, defaults={"requested_at": now})
        if not created:
            return False
    async_task(
        settings.HUB_WAKE_UP_TASKS[name.partition(":")[0]],
        name,
        broker=WakeUpBroker(broker_key(name)),
    )
    return True


def broker_key(name: str) -> str:
    """The key under which a bell waits in the queue."""
    return PUMP if name == PUMP else str(Conf.CLUSTER_NAME)


def acknowledge_wake_up(name: str) -> str:
    """A task says first that it heard its bell, so that it can be rung again. Gives the id behind the colon."""
    pool_pipe.send_heartbeat()
    WakeUp.objects.filter(name=name).update(requested_at=None)
    _record_pool_heartbeat(now=clock())
    return name.partition(":")[2]


def pending_wake_ups(prefix: str, *, since: datetime) -> list[str]:
    """The names of those that begin so, were rung since then, and wait."""
    return list(
        WakeUp.objects.filter(name__startswith=prefix, requested_at__gte=since).values_list(
            "name", flat=True
        )
    )


def update_queued_functions(queued: "models.QuerySet[OrmQ]") -> None:
    """Store today's function in each queued task: an earlier version may have stored a name that is gone."""
    for row in queued:
        task = SignedPackage.loads(row.payload)
        function = settings.HUB_WAKE_UP_TASKS.get(str(task["args"][0]).partition(":")[0])
        if function and function != task["func"]:
            row.payload = SignedPackage.dumps(task | {"func": function})
            row.save(update_fields=["payload"])


def reset_wake_ups() -> None:
    """The pool that these bells were rung for is gone: each may be rung again at once."""
    WakeUp.objects.update(requested_at=None)


def queue_length() -> int:
    """What lies in the queue: few, as each bell lies there once, and again only when it was forgotten."""
    return OrmQ.objects.count()


def record_heartbeat(name: str, *, now: datetime) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def report_progress() -> None:
    """A task that works for longer than a few seconds says so from time to time, or its pool may seem hung."""
    pool_pipe.send_heartbeat()


def run_canary(name: str) -> None:
    """The task that shows that this pool hears its bells; without a database it can do no more."""
    pool_pipe.send_heartbeat()
    with suppress(Error):
        _record_pool_heartbeat(now=clock())


def _record_pool_heartbeat(*, now: datetime) -> None:
    """For whoever reads the row; more often than now and then would only wear the disk out."""
    if not Heartbeat.objects.filter(name=CANARY, at__gt=now - HEARTBEAT_EVERY).exists():
        record_heartbeat(CANARY, now=now)


def _all_broker_keys() -> list[str]:
    return [broker_key(""), PUMP]


class WakeUpBroker(ORM):
    """The queue as the pusher of one pool sees it: the bells of the database, and a canary for this pool alone.

    The canary goes the way of every task, from the pusher to a member; no other pool can hear it. A bell leaves the
    queue as it is taken: where it is lost after that, the row that it was rung for rings again.
    """

    canary_sent_at = float("-inf")

    def __init__(
        self,
        list_key: str | None = None,
        *,
        has_idle_member: Callable[[], bool] = lambda: True,
        keys: Callable[[], Collection[str]] = _all_broker_keys,
    ) -> None:
        super().__init__(list_key)
        self.has_idle_member, self.keys = has_idle_member, keys

    def dequeue(self) -> list[tuple[int | None, str]] | None:
        if not self.has_idle_member():  # the bells are for pools that have one
            Event().wait(MEMBER_POLL_EVERY)
            return None
        if time.monotonic() - self.canary_sent_at > CANARY_EVERY:
            self.canary_sent_at = time.monotonic()
            return [(None, build_canary_task())]
        try:
            return self.take_oldest()
        except Error:  # django-q2's pusher would sleep for ten seconds, and end
            connection.close()
            Event().wait(DATABASE_RETRY_EVERY)
            return None

    def take_oldest(self) -> list[tuple[int | None, str]] | None:
        tasks = self.get_connection().filter(key__in=self.keys()).order_by("pk")
        oldest = tasks.values_list("pk", "payload").first()
        if oldest is None:
            Event().wait(Conf.POLL)
            return None
        pk, payload = oldest
        deleted, _ = OrmQ.objects.filter(pk=pk).delete()
        return [(None, payload)] if deleted else None  # another pool was first


def build_canary_task() -> str:
    """A task as async_task makes it; nobody waits for its result."""
    return SignedPackage.dumps(
        {
            "id": CANARY,
            "name": CANARY,
            "func": settings.HUB_WAKE_UP_TASKS[CANARY],
            "args": (CANARY,),
            "kwargs": {},
        }
    )
