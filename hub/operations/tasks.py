"""The bell of this room."""

import time

from hub.clock import clock
from hub.lifeline import stopping
from hub.operations.run import ring_for, run
from hub.queue import hear

BREATH = 0.02  # seconds between two batches, in which others get at the database


def operate(name: str) -> None:
    id = int(hear(name))
    if run(id, clock=clock, rest=lambda: time.sleep(BREATH), stopping=stopping):
        ring_for([id], now=clock())
