"""Memory of long-lived processes: freeze objects of the start, and return free memory."""

import ctypes
import gc

LIBC = ctypes.CDLL(None)


def freeze_heap() -> None:
    """Exempt all objects from garbage collection, so that a fork's memory pages stay shared."""
    gc.collect()
    gc.freeze()


def trim_memory() -> None:
    """Return free memory to the system; without this a process retains it until it ends."""
    gc.collect()
    if hasattr(LIBC, "malloc_trim"):  # glibc only
        LIBC.malloc_trim(0)
