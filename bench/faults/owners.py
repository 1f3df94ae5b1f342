"""Which process sent a request: its end of the connection, looked up in /proc while the connection
was open.
"""

import math
import os
import threading
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import Self

from bench.installation import process_groups
from bench.installation.processes import descendants

SAMPLE_EVERY = 0.05  # seconds


@dataclass(slots=True)
class Span:
    """How long a process was seen to hold a port."""

    pid: int
    first: float
    last: float


@dataclass(slots=True)
class Life:
    """A process, in its process group, and when it was first seen to be gone.

    An id is given to another process later, which is another life.
    """

    pid: int
    group: int
    ended_by: float = math.inf


class SocketOwners:
    """A context: samples who holds which local port to the sink, and when each process ended."""

    def __init__(self, sink_port: int) -> None:
        self.sink_port = sink_port
        # by local port, in the order of time
        self.spans: defaultdict[int, list[Span]] = defaultdict(list)
        self.lives: dict[int, Life] = {}  # those that last, by process id
        self.ended: list[Life] = []  # in the order of time
        # when each sample began and ended, in the order of time: on a busy machine they are rare
        self.begins: list[float] = []
        self.ends: list[float] = []
        self.inodes: dict[str, int] = {}  # process id by the inode of its socket
        self.over = threading.Event()
        self.sampling = threading.Lock()  # whoever kills takes a sample, too

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
        with self.sampling:
            self.take_sample()

    def take_sample(self) -> None:
        now = time.monotonic()
        # those of a pool without its first process are no descendants any more
        processes = {*descendants(os.getpid()), *self.lives}
        for pid in processes:
            self.note_life(pid)
        sockets = process_groups.local_ports_to(self.sink_port)
        if set(sockets) - set(self.inodes):
            for pid in processes:
                self.inodes |= dict.fromkeys(process_groups.sockets_of(pid), pid)
        for inode, port in sockets.items():
            if owner := self.inodes.get(inode):
                self.note(port, owner, now)
        self.begins.append(now)
        self.ends.append(time.monotonic())

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
            if self.begin_before(span.first) <= at <= self.unseen_until(span.last):
                return span.pid
        return None

    def begin_before(self, at: float) -> float:
        """Return when the sample before that of a moment began: what it missed opened later."""
        place = bisect_left(self.begins, at)
        return self.begins[place - 1] if place else -math.inf

    def unseen_until(self, at: float) -> float:
        """Return when the next sample after a moment ended: what it missed was gone by then."""
        place = bisect_right(self.begins, at)
        return self.ends[place] if place < len(self.ends) else math.inf

    def note_life(self, pid: int) -> None:
        group, lifetime = process_groups.group_of(pid), self.lives.get(pid)
        if lifetime is not None and group != lifetime.group:
            lifetime.ended_by = time.monotonic()
            self.ended.append(self.lives.pop(pid))
        if group is not None and pid not in self.lives:
            self.lives[pid] = Life(pid, group)

    def ended_since(self, group: int, since: float, until: float) -> list[Life]:
        """Return the processes of a group that ended between two moments."""
        return [
            lifetime
            for lifetime in self.ended
            if lifetime.group == group and since <= lifetime.ended_by <= until
        ]
