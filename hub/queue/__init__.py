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

from hub import lifeline
from hub.clock import clock

HEARD = "canary"  # the beat of a pool that hears, and the bell that each pool rings for itself
CANARY_EVERY = 2.0  # seconds
SHOW_EVERY = timedelta(seconds=5)
AWAY = 0.5  # seconds between looks at a database that is away
BUSY = 0.05  # seconds between looks for an idle member
PUMP = "pump"  # the bell that waits under a key of its own, as a pool that runs all its pumps leaves it to others
FORGOTTEN = timedelta(seconds=10)  # a bell that nobody heard for so long is rung again


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


def ring(name: str, *, now: datetime) -> bool:
    """Ring the bell `name` ("pump", or "refresh:17" with an id) unless it rings already. Joins the transaction."""
    unheard = Q(requested_at__gte=now - FORGOTTEN)
    if not WakeUp.objects.filter(name=name).exclude(unheard).update(requested_at=now):
        _, made = WakeUp.objects.get_or_create(name=name, defaults={"requested_at": now})
        if not made:
            return False
    async_task(settings.HUB_BELLS[name.partition(":")[0]], name, broker=Doorbell(key_of(name)))
    return True


def key_of(name: str) -> str:
    """The key under which a bell waits in the queue."""
    return PUMP if name == PUMP else str(Conf.CLUSTER_NAME)


def hear(name: str) -> str:
    """A task says first that it heard its bell, so that it can be rung again. Gives the id behind the colon."""
    lifeline.sign()
    WakeUp.objects.filter(name=name).update(requested_at=None)
    show_life(now=clock())
    return name.partition(":")[2]


def unheard_bells(prefix: str, *, since: datetime) -> list[str]:
    """The names of those that begin so, were rung since then, and wait."""
    return list(WakeUp.objects.filter(name__startswith=prefix, requested_at__gte=since).values_list("name", flat=True))


def forget() -> None:
    """The pool that these bells were rung for is gone: each may be rung again at once."""
    WakeUp.objects.update(requested_at=None)


def queue_rows() -> int:
    """What lies in the queue: few, as each bell lies there once, and again only when it was forgotten."""
    return OrmQ.objects.count()


def beat(name: str, *, now: datetime) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def still_here() -> None:
    """A task that works for longer than a few seconds says so from time to time, or its pool may seem hung."""
    lifeline.sign()


def canary(name: str) -> None:
    """The task that shows that this pool hears its bells; without a database it can do no more."""
    lifeline.sign()
    with suppress(Error):
        show_life(now=clock())


def show_life(*, now: datetime) -> None:
    """For whoever reads the row; more often than now and then would only wear the disk out."""
    if not Heartbeat.objects.filter(name=HEARD, at__gt=now - SHOW_EVERY).exists():
        beat(HEARD, now=now)


def every_key() -> list[str]:
    return [key_of(""), PUMP]


class Doorbell(ORM):
    """The queue as the pusher of one pool sees it: the bells of the database, and a canary for this pool alone.

    The canary goes the way of every task, from the pusher to a member; no other pool can hear it. A bell leaves the
    queue as it is taken: where it is lost after that, the row that it was rung for rings again.
    """

    sang = float("-inf")

    def __init__(
        self,
        list_key: str | None = None,
        *,
        has_idle_member: Callable[[], bool] = lambda: True,
        keys: Callable[[], Collection[str]] = every_key,
    ) -> None:
        super().__init__(list_key)
        self.has_idle_member, self.keys = has_idle_member, keys

    def dequeue(self) -> list[tuple[int | None, str]] | None:
        if not self.has_idle_member():  # the bells are for pools that have one
            Event().wait(BUSY)
            return None
        if time.monotonic() - self.sang > CANARY_EVERY:
            self.sang = time.monotonic()
            return [(None, song())]
        try:
            return self.take()
        except Error:  # django-q2's pusher would sleep for ten seconds, and end
            connection.close()
            Event().wait(AWAY)
            return None

    def take(self) -> list[tuple[int | None, str]] | None:
        bells = self.get_connection().filter(key__in=self.keys()).order_by("pk")
        oldest = bells.values_list("pk", "payload").first()
        if oldest is None:
            Event().wait(Conf.POLL)
            return None
        number, payload = oldest
        taken, _ = OrmQ.objects.filter(pk=number).delete()
        return [(None, payload)] if taken else None  # another pool was first


def song() -> str:
    """A task as async_task makes it; nobody waits for its result."""
    return SignedPackage.dumps(
        {"id": HEARD, "name": HEARD, "func": settings.HUB_BELLS[HEARD], "args": (HEARD,), "kwargs": {}}
    )
