"""The pool as its worker sees it: a forked process, and the ends of its lifeline.

A fork shares the worker's memory, where the product is loaded already, and is ready at once.
"""

import contextlib
import os
import signal
import sys
import time
import uuid

import structlog
from django.conf import settings
from django.db import connections

from hub import lifeline
from hub.clock import clock
from hub.outgoing.pump.leases import free_leases, process_prefix
from hub.outgoing.pump.place import has_room
from hub.outgoing.wake import ring_pump
from hub.queue import PUMP, key_of
from hub.queue.pool import Pool
from hub.standing import WORKER, current_worker

log = structlog.get_logger(__name__)

START_MOST = 60.0  # seconds until a pool's first sign of life
SILENCE_MOST = 15.0  # no sign for so long: it is hung. It sings every 2 s, and no task but the pump is silent for 10 s


class PoolProcess:
    """One pool: its process group, our ends of its lifeline, and when it last gave a sign."""

    def __init__(self, worker: uuid.UUID) -> None:
        self.lifeline = lifeline.tie()
        self.returncode: int | None = None
        self.pid = fork_pool(self.lifeline, worker)
        for end in self.lifeline.theirs:
            os.close(end)
        self.began = self.quiet_since = time.monotonic()
        self.heard_at: float | None = None

    def has_ended(self) -> bool:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode is not None

    def listen(self) -> None:
        if self.lifeline.signs():
            self.heard_at = self.quiet_since = time.monotonic()

    def trouble(self) -> str:
        if self.has_ended():
            return "ended"
        most = START_MOST if self.heard_at is None else SILENCE_MOST
        return "hung" if time.monotonic() - self.quiet_since > most else ""

    def excuse(self) -> None:
        self.quiet_since = time.monotonic()

    def kill(self) -> None:
        """The whole group: a pool whose first process died leaves orphans that go on working."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.lifeline.close()


def fork_pool(ends: lifeline.Ends, worker: uuid.UUID) -> int:
    """Return the process; it leads a session of its own, and shares no connection and no end of ours."""
    connections.close_all()
    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return pid
    code = 1
    try:
        become_pool(ends, worker)
        code = 0
    except BaseException:
        log.exception("pool.ended")
    finally:
        os._exit(code)  # nothing of the worker's is to be finished here


def become_pool(ends: lifeline.Ends, worker: uuid.UUID) -> None:
    """In the new process, until the pool ends."""
    os.setsid()
    ends.close()
    os.environ |= {lifeline.NAME: ends.name, WORKER: str(worker)}
    Pool(recover, keys).run()


def recover(pid: int) -> None:
    """In a process that replaces a dead one."""
    free_leases(process_prefix(current_worker(), pid), now=clock())
    ring_pump(now=clock())


def keys() -> list[str]:
    """The bell for a pump is for a pool that may run one more."""
    room = has_room(places=settings.HUB_PUMPS, total=settings.HUB_PUMPS_TOTAL, now=clock())
    return [key_of(""), PUMP] if room else [key_of("")]
