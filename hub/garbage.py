"""The garbage of processes that live long: what is there at their start stays, and is not looked at again and again."""

import ctypes
import gc

LIBC = ctypes.CDLL(None)
YOUNG, MIDDLE, OLD = 50_000, 20, 20  # the thresholds of the generations; Python's own are made for small programs


def keep_what_is_there() -> None:
    """Before a fork, it also leaves the pages that parent and children share alone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def give_back() -> None:
    """To the machine, what work that is done has needed: else a process keeps for its life what it needed once."""
    gc.collect()
    if hasattr(LIBC, "malloc_trim"):  # glibc's
        LIBC.malloc_trim(0)
