"""Two pipes between `manage.py work` and its pool.

Down: the pool stops when the worker's end closes, for whatever reason. Up: each process of the pool
that receives a task writes a byte, so that a worker can tell its own pool from others on the same
database.
"""

import contextlib
import os
import select
from collections.abc import Iterable
from dataclasses import dataclass

DESCRIPTORS_ENV = "HUB_LIFELINE"  # the numbers of the two inherited file descriptors, "5:8"
STOP_GRACE = 22.5  # seconds that a stop may take; a call in flight may take 20


@dataclass
class PoolPipe:
    """The file descriptors of both pipes.

    The worker's ends are -1 when they are closed. The pool inherits the other ends: one to read the
    stop from, one to write heartbeats to.
    """

    stop_descriptor: int
    heartbeat_descriptor: int
    pool_descriptors: tuple[int, int]

    @property
    def name(self) -> str:
        return ":".join(map(str, self.pool_descriptors))

    def read_heartbeat(self) -> bool:
        """Read the pool's heartbeats; return whether there were any since the last call."""
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self.heartbeat_descriptor, 65536))
        return False

    def request_stop(self) -> None:
        """Ask the pool to stop; its heartbeats can still be read."""
        if self.stop_descriptor >= 0:
            os.close(self.stop_descriptor)
            self.stop_descriptor = -1

    def close(self) -> None:
        self.request_stop()
        if self.heartbeat_descriptor >= 0:
            os.close(self.heartbeat_descriptor)
            self.heartbeat_descriptor = -1


def open_pipe() -> PoolPipe:
    """Open both pipes, for a pool that is about to be started."""
    stop_reader, stop_writer = os.pipe()
    heartbeat_reader, heartbeat_writer = os.pipe()
    for descriptor in (heartbeat_reader, heartbeat_writer):
        os.set_blocking(descriptor, False)
    return PoolPipe(stop_writer, heartbeat_reader, (stop_reader, heartbeat_writer))


# --- in the pool ----------------------------------------------------------------------------------


def _inherited_descriptors() -> tuple[int, int] | None:
    text = os.environ.get(DESCRIPTORS_ENV)
    if text is None:
        return None
    stop_reader, heartbeat_writer = map(int, text.split(":"))
    return stop_reader, heartbeat_writer


def is_stop_requested(*, timeout: float = 0.0, wake_descriptors: Iterable[int] = ()) -> bool:
    """Return whether the worker requested a stop or is gone; waits up to `timeout` seconds, or
    until one of `wake_descriptors` can be read.

    Needs one system call.
    """
    descriptors = _inherited_descriptors()
    if descriptors is None:
        return False
    readable, _, _ = select.select([descriptors[0], *wake_descriptors], [], [], timeout)
    return descriptors[0] in readable


def wait_for_close() -> None:
    """Block until the worker's end closes."""
    if descriptors := _inherited_descriptors():
        os.read(descriptors[0], 1)


def send_heartbeat() -> None:
    """Write a heartbeat; a full or closed pipe is ignored."""
    if descriptors := _inherited_descriptors():
        with contextlib.suppress(OSError):
            os.write(descriptors[1], b".")
