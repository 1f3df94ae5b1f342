"""The pool as the worker sees it: a forked process, and the pipes of its heartbeat.

A forked process shares the worker's memory, in which the product is loaded already, so it starts
quickly.
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

from hub.db.clock import clock
from hub.incoming.tasks import wake_inbox_for_due_messages
from hub.processes import pool_pipe
from hub.processes.leases import end_leases, process_prefix
from hub.processes.loop_slots import has_local_slot
from hub.processes.worker_registry import WORKER_ENV, current_worker_id
from hub.queue import wake_loop
from hub.queue.pool import TaskPool
from hub.queue.work_classes import count_slots

log = structlog.get_logger(__name__)

START_TIMEOUT = 60.0  # seconds until a pool's first heartbeat
# Seconds without a heartbeat after which a pool is hung: a pool sends one every 2 s, and only the
# pump may delay it for 10 s.
SILENCE_TIMEOUT = 15.0


class PoolProcess:
    """A pool: its process group, the worker's ends of its pipes, the time of its last heartbeat."""

    def __init__(self, worker: uuid.UUID) -> None:
        self.pipe = pool_pipe.open_pipe()
        self.returncode: int | None = None
        self.pid = fork_pool(self.pipe, worker)
        for descriptor in self.pipe.pool_descriptors:
            os.close(descriptor)
        self.started_at = self.quiet_since = time.monotonic()
        self.heard_at: float | None = None

    def has_ended(self) -> bool:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode is not None

    def read_heartbeats(self) -> None:
        if self.pipe.read_heartbeat():
            self.heard_at = self.quiet_since = time.monotonic()

    def find_problem(self) -> str:
        if self.has_ended():
            return "ended"
        timeout = START_TIMEOUT if self.heard_at is None else SILENCE_TIMEOUT
        return "hung" if time.monotonic() - self.quiet_since > timeout else ""

    def restart_heartbeat_timeout(self) -> None:
        self.quiet_since = time.monotonic()

    def kill(self) -> None:
        """Kill the whole process group: the children of a pool outlive its first process."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pipe.close()


def fork_pool(pipe: pool_pipe.PoolPipe, worker: uuid.UUID) -> int:
    """Fork the pool and return its process id.

    The pool leads its own session and inherits neither a database connection nor the worker's ends
    of the pipes.
    """
    connections.close_all()
    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return pid
    code = 1
    try:
        run_as_pool(pipe, worker)
        code = 0
    except BaseException:
        log.exception("pool.ended")
    finally:
        os._exit(code)  # run no exit handlers of the worker in the child


def run_as_pool(pipe: pool_pipe.PoolPipe, worker: uuid.UUID) -> None:
    """Run the pool in the forked process until it ends."""
    os.setsid()
    pipe.close()
    os.environ |= {pool_pipe.DESCRIPTORS_ENV: pipe.name, WORKER_ENV: str(worker)}
    TaskPool(count_slots(), free_leases_of_process, is_pump_allowed).run()


def free_leases_of_process(pid: int) -> None:
    """Free the leases of a dead process of this worker, and wake the loops that take over."""
    end_leases(process_prefix(current_worker_id(), pid), now=clock())
    wake_loop("pump", now=clock())
    wake_inbox_for_due_messages(now=clock())


def is_pump_allowed() -> bool:
    """Return whether this pool may run one more pump."""
    return has_local_slot(
        "pump", per_worker=settings.HUB_PUMPS, total=settings.HUB_PUMPS_TOTAL, now=clock()
    )
