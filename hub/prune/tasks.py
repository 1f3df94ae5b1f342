"""The bell of pruning: it works for a few seconds at a time, then others have the worker."""

import time
from datetime import timedelta

from hub.clock import clock
from hub.lifeline import stopping
from hub.prune.prune import prune_for_a_while
from hub.queue import hear, ring, still_here

SLICE = timedelta(seconds=5)
BREATH = 0.05  # seconds between two batches, in which the pump gets at the database


def prune(name: str) -> None:
    hear(name)
    if not prune_for_a_while(clock=clock, until=clock() + SLICE, rest=breathe, stopping=stopping):
        ring("prune", now=clock())


def breathe() -> None:
    still_here()
    time.sleep(BREATH)
