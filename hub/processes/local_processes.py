"""Processes of this machine, told apart from those of others: whether one that is known by its id
still runs.
"""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # see random(4) of Linux
PID_NAMESPACE = Path("/proc/self/ns/pid")  # see pid_namespaces(7) of Linux


@cache
def current_pid_namespace() -> str:
    """Return what the processes share that see each other by their ids: one boot of one machine,
    and its namespace of process ids (a container has its own). Empty where the system does not
    tell.
    """
    try:
        return f"{BOOT_ID.read_text().strip()}:{PID_NAMESPACE.stat().st_ino}"
    except OSError:
        return ""


def is_process_running(pid: int) -> bool:
    """Return whether a process of this namespace has this id."""
    return _can_be_signalled(os.kill, pid)


def is_group_running(group: int) -> bool:
    """Return whether a process of this namespace belongs to this process group."""
    return _can_be_signalled(os.killpg, group)


def _can_be_signalled(send_signal: Callable[[int, int], None], target: int) -> bool:
    """Ask with signal 0, which does nothing. A process of another user runs, too."""
    try:
        send_signal(target, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
