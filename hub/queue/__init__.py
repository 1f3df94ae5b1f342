"""Ring a doorbell: the only door to django-q2. A task carries a name; rows are the truth.

A lost, late, doubled or poisoned bell may change latency and nothing else.
"""

import time
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event

from django.conf import settings
from django.db import Error, connection, models
from django.db.models import Q
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from hub import lifeline
from hub.clock import clock

HEARD = "canary"  # the beat of a pool that hears, and the bell that each pool rings for itself
CANARY_EVERY = 2.0  # seconds
SHOW_EVERY = timedelta(seconds=5)
AWAY = 0.5  # seconds between looks at a database that is away
FORGOTTEN = timedelta(seconds=20)  # a bell that nobody heard for so long is rung again


class Bell(models.Model):
    """A bell that was rung and not yet heard. At most one for each name, so the queue never fills."""

    name = models.CharField(max_length=80, primary_key=True)
    rung_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Beat(models.Model):
    """When something was last alive: the worker, its pool (canary), the sweep."""

    name = models.CharField(max_length=80, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"


def ring(name: str, *, now: datetime) -> bool:
    """Ring the bell `name` ("pump", or "refresh:17" with an id) unless it rings already. Joins the transaction."""
    unheard = Q(rung_at__gte=now - FORGOTTEN)
    if not Bell.objects.filter(name=name).exclude(unheard).update(rung_at=now):
        _, made = Bell.objects.get_or_create(name=name, defaults={"rung_at": now})
        if not made:
            return False
    async_task(settings.HUB_BELLS[name.partition(":")[0]], name)
    return True


def hear(name: str) -> str:
    """A task says first that it heard its bell, so that it can be rung again. Gives the id behind the colon."""
    lifeline.sign()
    Bell.objects.filter(name=name).update(rung_at=None)
    show_life(now=clock())
    return name.partition(":")[2]


def forget() -> None:
    """The pool that these bells were rung for is gone: each may be rung again at once."""
    Bell.objects.update(rung_at=None)


def queue_rows() -> int:
    """What lies in the queue: few, as each bell lies there once, and again only when it was forgotten."""
    return OrmQ.objects.count()


def beat(name: str, *, now: datetime) -> None:
    Beat.objects.update_or_create(name=name, defaults={"at": now})


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
    if not Beat.objects.filter(name=HEARD, at__gt=now - SHOW_EVERY).exists():
        beat(HEARD, now=now)


class Doorbell(ORM):
    """The queue as the pusher of one pool sees it: the bells of the database, and a canary for this pool alone.

    The canary goes the way of every task, from the pusher over the pool's own pipe to a member: the way that gets stuck
    when a process of the pool is killed. No other pool can hear it.
    """

    sang = float("-inf")

    def dequeue(self) -> list[tuple[int | None, str]] | None:
        if time.monotonic() - self.sang > CANARY_EVERY:
            self.sang = time.monotonic()
            return [(None, song())]
        try:
            return super().dequeue()
        except Error:  # django-q2's pusher would sleep for ten seconds, and end
            connection.close()
            Event().wait(AWAY)
            return None


def song() -> str:
    """A task as async_task makes it; nobody waits for its result."""
    return SignedPackage.dumps(
        {"id": HEARD, "name": HEARD, "func": settings.HUB_BELLS[HEARD], "args": (HEARD,), "kwargs": {}}
    )
