"""A member of a pool: a process that does one task after the other. Its loop is django-q2's `worker`."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from typing import Any

import structlog
from django_q.conf import Conf
from django_q.worker import worker

from hub.processes import pool_pipe

log = structlog.get_logger(__name__)

FORK = multiprocessing.get_context("fork")
TIMER_IDLE, TIMER_EXPIRED = (
    -1.0,
    0.0,
)  # what django-q2 writes into a member's timer; above: the seconds that are left for its task
LOCK_TIMEOUT = 0.05  # seconds that the timer's lock is waited for
STOP_TASK = "STOP"  # what ends the loop of django-q2


class ResultCounter:
    """Takes the place of django-q2's result queue, whose reader stores results and unpickles what is stored.

    Nothing is stored: a task that failed is logged, and each one is counted as done.
    """

    def __init__(self, done: Any) -> None:
        self.done = done

    def put(self, task: dict[str, Any]) -> None:
        if not task["success"]:
            log.error(
                "pool.task_failed",
                wake_up=str(task["name"]),
                function=str(task["func"]),
                error=task["result"],
            )
        self.done.value += 1


class PoolMember:
    """Its tasks come over a pipe of its own: a member that is killed blocks no other."""

    def __init__(
        self, on_start: Callable[[], None] = lambda: None, replaces: Sequence[int] = ()
    ) -> None:
        """`replaces`: the dead processes whose leases `first` frees."""
        self.replaces = list(replaces)
        self.ready = FORK.RawValue("b", False)  # `first` has returned
        self.timer = FORK.Value("f", TIMER_IDLE)
        self.done = FORK.RawValue("L", 0)
        self.assigned_count = 0
        self.tasks = FORK.SimpleQueue()
        arguments = (self.tasks, ResultCounter(self.done), self.timer, on_start, self.ready)
        self.process = FORK.Process(target=_run_member, args=arguments, daemon=True)
        self.process.start()

    def assign_task(self, task: Any) -> None:
        self.assigned_count += 1
        self.tasks.put(task)

    def count_down_timer(self) -> None:
        """One that was killed with its timer's lock in its hands is found dead soon enough."""
        lock = self.timer.get_lock()
        if lock.acquire(timeout=LOCK_TIMEOUT):
            if self.timer.value > TIMER_EXPIRED:
                self.timer.value = max(TIMER_EXPIRED, self.timer.value - Conf.GUARD_CYCLE)
            lock.release()

    def is_idle(self) -> bool:
        """Whether it has done all that it was given, and will take more."""
        lock = self.timer.get_lock()
        if wait([self.process.sentinel], 0) or not lock.acquire(timeout=LOCK_TIMEOUT):
            return False
        try:  # under the lock a member that is to be recycled has said so
            return bool(
                self.assigned_count == self.done.value and self.timer.get_obj().value == TIMER_IDLE
            )
        finally:
            lock.release()

    def has_ended(self) -> bool:
        return not self.process.is_alive() or self.timer.get_obj().value == TIMER_EXPIRED

    def end_reason(self) -> str:
        if self.timer.get_obj().value == TIMER_EXPIRED:
            return "timeout"
        return "recycled" if self.process.exitcode == 0 else "killed"

    def not_recovered(self) -> list[int]:
        """The dead processes whose leases it may not have freed, where it died before it was ready."""
        return [] if self.ready.value else self.replaces

    def terminate(self, *, timeout: float = 0.0) -> None:
        self.process.join(timeout)
        self.process.kill()
        self.process.join()
        self.tasks.close()


def _run_member(
    tasks: Any, results: ResultCounter, timer: Any, on_start: Callable[[], None], ready: Any
) -> None:
    """In a member's process."""
    start_watchdog()
    on_start()
    ready.value = True
    worker(tasks, results, timer, Conf.TIMEOUT)


def start_watchdog() -> None:
    """No process of the pool outlives its worker for long, whatever became of the others."""
    threading.Thread(target=_exit_with_worker, daemon=True).start()


def _exit_with_worker() -> None:
    pool_pipe.wait_for_close()
    threading.Event().wait(pool_pipe.STOP_GRACE)
    os.killpg(0, signal.SIGKILL)
