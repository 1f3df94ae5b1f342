"""The bell of this room: notices whose mails are due, one by one or once a day."""

from datetime import datetime, timedelta

from hub import lifeline
from hub.clock import clock
from hub.notices import digest, post
from hub.queue import hear, ring, still_here

TOLD_MOST, SLICE = 20, timedelta(seconds=20)  # notices of one bell, and its time; the sweep rings for the rest


def tell(name: str) -> None:
    hear(name)
    until = clock() + SLICE
    for notice in post.due(now=clock()).select_related("tenant", "connection")[:TOLD_MOST]:
        if lifeline.stopping() or clock() > until:
            return
        post.tell(notice, now=clock())
        still_here()
    for hours in digest.due(now=clock()).select_related("membership__tenant", "membership__user")[:TOLD_MOST]:
        if lifeline.stopping() or clock() > until:
            return
        digest.tell(hours, now=clock())
        still_here()


def ring_for_notices(*, now: datetime) -> None:
    """The net under lost bells, and the hour of reminders and of daily mails."""
    if post.due(now=now).exists() or digest.due(now=now).exists():
        ring("tell", now=now)
