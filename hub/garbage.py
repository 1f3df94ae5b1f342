"""The garbage of processes that live long: what is there at their start stays, and is not looked at again and again."""

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 20  # the thresholds of the generations; Python's own are made for small programs


def keep_what_is_there() -> None:
    """Before a fork, it also leaves the pages that parent and children share alone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
