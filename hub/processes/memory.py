"""The memory of processes that live long: what is there at their start stays, what a piece of work needed goes."""

import ctypes
import gc

LIBC = ctypes.CDLL(None)
YOUNG_THRESHOLD, MIDDLE_THRESHOLD, OLD_THRESHOLD = (
    50_000,
    20,
    20,
)  # the thresholds of the generations; Python's own are made for small programs


def freeze_heap() -> None:
    """It is looked at no more. Before a fork, that also leaves the pages that parent and children share alone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_THRESHOLD, MIDDLE_THRESHOLD, OLD_THRESHOLD)


def trim_memory() -> None:
    """To the machine, what work that is done has needed: else a process keeps for its life what it needed once."""
    gc.collect()
    if hasattr(LIBC, "malloc_trim"):  # glibc's
        LIBC.malloc_trim(0)
