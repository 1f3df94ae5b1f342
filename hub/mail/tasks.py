"""The bell of mail: it sends for some seconds at a time, then others have the worker."""

from datetime import datetime, timedelta

from django.core.mail import get_connection

from hub.clock import clock
from hub.lifeline import stopping
from hub.mail.deliver import deliver, due
from hub.queue import hear, ring, still_here

SLICE, MOST = timedelta(seconds=20), 200


def post(name: str) -> None:
    hear(name)
    until = clock() + SLICE

    def go_on() -> bool:
        still_here()
        return not stopping() and clock() < until

    deliver(get_connection(), clock=clock, go_on=go_on, most=MOST)
    ring_for_mails(now=clock())


def ring_for_mails(*, now: datetime) -> None:
    """The net under lost bells, and the hour of another try."""
    if due(now=now).exists():
        ring("mail", now=now)
