"""Which process sent a request: its end of the connection, looked up in /proc while the connection
was open.
"""

import contextlib
import os
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Self

from bench.faults import process_groups
from bench.installation.processes import descendants

SAMPLE_EVERY = 0.05  # seconds


@dataclass(slots=True)
class Span:
    """How long a process was seen to hold a port."""

    pid: int
    first: float
    last: float


class SocketOwners:
    """A context: samples who holds which local port to the sink, and when each process was last
    alive.
    """

    def __init__(self, sink_port: int) -> None:
        self.sink_port = sink_port
        # by local port, in the order of time
        self.spans: defaultdict[int, list[Span]] = defaultdict(list)
        # the moment at which a process was last seen, by its id
        self.alive: dict[int, float] = {}
        self.groups: dict[int, int] = {}  # process group by process id
        self.inodes: dict[str, int] = {}  # process id by the inode of its socket
        self.over = threading.Event()

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.thread.join()

    def run(self) -> None:
        while not self.over.wait(SAMPLE_EVERY):
            self.sample()

    def sample(self) -> None:
        now, processes = time.monotonic(), set(descendants(os.getpid()))
        for pid in processes:
            self.alive[pid] = now
            if pid not in self.groups and (group := process_groups.group_of(pid)):
                self.groups[pid] = group
        sockets = process_groups.local_ports_to(self.sink_port)
        if set(sockets) - set(self.inodes):
            for pid in processes:
                self.inodes |= dict.fromkeys(process_groups.sockets_of(pid), pid)
        for inode, port in sockets.items():
            if owner := self.inodes.get(inode):
                self.note(port, owner, now)

    def note(self, port: int, pid: int, now: float) -> None:
        spans = self.spans[port]
        if spans and spans[-1].pid == pid:
            spans[-1].last = now
        else:
            spans.append(Span(pid, now, now))

    def owner(self, port: int, at: float) -> int | None:
        """Return the process that held this port at that moment; None if it ended before it was
        seen.
        """
        for span in self.spans.get(port, ()):
            if span.first - 2 * SAMPLE_EVERY <= at <= span.last + 2 * SAMPLE_EVERY:
                return span.pid
        return None

    def members_of(self, group: int | None) -> frozenset[int]:
        with contextlib.suppress(RuntimeError):
            return frozenset(pid for pid, its_group in self.groups.items() if its_group == group)
        return frozenset()
