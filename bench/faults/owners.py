"""Which process sent a request: its end of the connection, looked up in /proc while the connection was open."""

import contextlib
import os
import threading
import time
from collections import defaultdict

from bench.faults import process_groups
from bench.processes import descendants

SAMPLE_EVERY = 0.05  # seconds


class SocketOwners:
    """A context: samples who holds which local port to the sink, and when each process was last alive."""

    def __init__(self, sink_port):
        self.sink_port = sink_port
        self.spans = defaultdict(
            list
        )  # [process id, first seen, last seen] by local port, in the order of time
        self.alive = {}  # the moment at which a process was last seen, by its id
        self.groups = {}  # process group by process id
        self.inodes = {}  # process id by the inode of its socket
        self.over = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()

    def run(self):
        while not self.over.wait(SAMPLE_EVERY):
            self.sample()

    def sample(self):
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
            if pid := self.inodes.get(inode):
                self.note(port, pid, now)

    def note(self, port, pid, now):
        spans = self.spans[port]
        if spans and spans[-1][0] == pid:
            spans[-1][2] = now
        else:
            spans.append([pid, now, now])

    def owner(self, port, at):
        """Return the process that held this port at that moment; None if it ended before it was seen."""
        for pid, first, last in self.spans.get(port, ()):
            if first - 2 * SAMPLE_EVERY <= at <= last + 2 * SAMPLE_EVERY:
                return pid
        return None

    def members_of(self, group):
        with contextlib.suppress(RuntimeError):
            return frozenset(pid for pid, its_group in self.groups.items() if its_group == group)
        return frozenset()
