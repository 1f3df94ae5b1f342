"""Who is who among the worker's processes, read from /proc: nothing in the product tells them apart for a bench."""

import contextlib
import os
import signal
from pathlib import Path


def children(pid):
    pids = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            pids += map(int, task.read_text().split())
    return sorted(pids)


def pool_of(worker):
    """The pool's first process, which guards the others and is their process group; None while there is none."""
    return next((pid for pid in children(worker) if group_of(pid) == pid), None)


def members_of(worker):
    """The processes that do the pool's tasks."""
    pool = pool_of(worker)
    return children(pool) if pool else []


def pumps_of(worker, port):
    """Those that have a line to the sink."""
    lines = lines_to(port)
    return [pid for pid in members_of(worker) if lines & sockets_of(pid)]


def lines_to(port):
    """The inodes of this machine's sockets that lead to a port."""
    return set(local_ports_to(port))


def local_ports_to(port):
    """The local port of each socket that leads to a port, by its inode; those that are closing have none."""
    rows = (row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:])
    sockets = {row[9]: port_in(row[1]) for row in rows if port_in(row[2]) == port}
    sockets.pop("0", None)
    return sockets


def port_in(address):
    return int(address.partition(":")[2], 16)


def sockets_of(pid):
    pids = set()
    for handle in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            kind, _, inode = str(handle.readlink()).partition(":")
            if kind == "socket":
                pids.add(inode.strip("[]"))
    return pids


def kill(*pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def stop(*pids):
    """They hear nothing, and look alive."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


def kill_group(group):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def processes_of(group):
    return [
        int(path.name) for path in Path("/proc").glob("[0-9]*") if group_of(int(path.name)) == group
    ]


def is_empty(group):
    """Whether no process of it is left, but for those that nobody has buried yet."""
    return not processes_of(group)


def group_of(pid):
    with contextlib.suppress(OSError, ValueError):
        state, _, group = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:3]
        return None if state == "Z" else int(group)
    return None
