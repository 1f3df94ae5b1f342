"""Ring a doorbell: the only file that knows django-q2. A task carries a name; rows are the truth.

A lost, late, doubled or poisoned bell may change latency and nothing else.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django_q.tasks import async_task

from hub.clock import clock

HEARD = "canary"  # the beat of a pool that hears
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
    Bell.objects.filter(name=name).update(rung_at=None)
    beat(HEARD, now=clock())
    return name.partition(":")[2]


def forget() -> None:
    """The pool that these bells were rung for is gone: each may be rung again at once."""
    Bell.objects.update(rung_at=None)


def beat(name: str, *, now: datetime) -> None:
    Beat.objects.update_or_create(name=name, defaults={"at": now})


def canary(name: str) -> None:
    """The task that shows that the pool hears its bells, when nothing else does."""
    hear(name)
