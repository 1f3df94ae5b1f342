"""The bell of this room."""

import time

from hub.clock import clock
from hub.lifeline import stopping
from hub.operations.run import ring_for, run
from hub.queue import hear, still_here

BREATH = 0.02  # seconds between two batches, in which others get at the database


def operate(name: str) -> None:
    id = int(hear(name))
    if run(id, clock=clock, rest=breathe, stopping=stopping):
        ring_for([id], now=clock())


def breathe() -> None:
    still_here()
    time.sleep(BREATH)
