"""Who is who among the worker's processes, read from /proc: nothing in the product tells them apart
for a bench.
"""

import contextlib
import os
import signal
from pathlib import Path


def children(pid: int) -> list[int]:
    pids: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            pids += map(int, task.read_text().split())
    return sorted(pids)


def pool_of(worker: int) -> int | None:
    """The pool's first process, which guards the others and is their process group; None while
    there is none.
    """
    return next((pid for pid in children(worker) if group_of(pid) == pid), None)


def members_of(worker: int) -> list[int]:
    """The processes that do the pool's tasks."""
    pool = pool_of(worker)
    return children(pool) if pool else []


def pumps_of(worker: int, port: int) -> list[int]:
    """Those that have a line to the sink."""
    lines = lines_to(port)
    return [pid for pid in members_of(worker) if lines & sockets_of(pid)]


def lines_to(port: int) -> set[str]:
    """The inodes of this machine's sockets that lead to a port."""
    return set(local_ports_to(port))


def local_ports_to(port: int) -> dict[str, int]:
    """The local port of each socket that leads to a port, by its inode; those that are closing have
    none.
    """
    rows = (row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:])
    sockets = {row[9]: port_in(row[1]) for row in rows if port_in(row[2]) == port}
    sockets.pop("0", None)
    return sockets


def port_in(address: str) -> int:
    return int(address.partition(":")[2], 16)


def sockets_of(pid: int) -> set[str]:
    inodes = set()
    for handle in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            kind, _, inode = str(handle.readlink()).partition(":")
            if kind == "socket":
                inodes.add(inode.strip("[]"))
    return inodes


def kill(*pids: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def stop(*pids: int) -> None:
    """They hear nothing, and look alive."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


def stop_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGSTOP)


def kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def processes_of(group: int) -> list[int]:
    return [
        int(path.name) for path in Path("/proc").glob("[0-9]*") if group_of(int(path.name)) == group
    ]


def is_empty(group: int) -> bool:
    """Whether no process of it is left, but for those that nobody has buried yet."""
    return not processes_of(group)


def group_of(pid: int) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        state, _, group = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:3]
        return None if state == "Z" else int(group)
    return None
