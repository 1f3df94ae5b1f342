"""Find out whether processes of this machine still run, by their ids.

Everything is read from Linux's /proc, see proc(5).
"""

from functools import cache
from pathlib import Path

PROC_PATH = Path("/proc")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # see random(4)
PID_NAMESPACE = Path("/proc/self/ns/pid")  # see pid_namespaces(7)
ENDED_STATES = "ZX"  # ended, though its parent has not asked for its exit code


@cache
def current_pid_namespace() -> str:
    """Return an id of the namespace in which process ids are valid.

    It consists of the boot id and the pid namespace (a container has its own). Returns "" if the
    system does not provide them.
    """
    try:
        return f"{BOOT_ID.read_text().strip()}:{PID_NAMESPACE.stat().st_ino}"
    except OSError:
        return ""


def is_process_running(pid: int) -> bool:
    """Return whether a process of this namespace has this id."""
    return process_group(pid) is not None


def is_group_running(group: int) -> bool:
    """Return whether a process of this namespace belongs to this process group."""
    pids = (int(path.name) for path in PROC_PATH.glob("[0-9]*"))
    return any(process_group(pid) == group for pid in pids)


def process_group(pid: int) -> int | None:
    """Return the group of a running process; None if there is no such process."""
    try:
        # after the name of its program, which may hold spaces and brackets
        fields = (PROC_PATH / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, _, group = fields[:3]
    return None if state in ENDED_STATES else int(group)
