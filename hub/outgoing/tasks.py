"""The bells of this room: what django-q2 calls, by dotted name. A lost or doubled bell changes nothing but latency."""

import random

from hub import egress, garbage
from hub.clock import clock
from hub.egress.aio import outlet
from hub.lifeline import stopping
from hub.outgoing.drain import drain_held
from hub.outgoing.pump import drive
from hub.outgoing.wake import ring_pump
from hub.queue import hear, ring


def pump(name: str) -> None:
    hear(name)
    ran = drive.pump(
        clock=clock,
        outlet=lambda: outlet(egress.rules(), clock=clock, limit=drive.SOCKETS),
        random=random.random,
        stopping=stopping,
        again=lambda: ring("pump", now=clock()),
    )
    if ran:
        garbage.give_back()  # the next run may be another process's


def drain(name: str) -> None:
    hear(name)
    if drain_held(now=clock()):
        ring_pump(now=clock())
