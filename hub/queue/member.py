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

from hub import lifeline

log = structlog.get_logger(__name__)

FORK = multiprocessing.get_context("fork")
IDLE, SPENT = -1.0, 0.0  # what django-q2 writes into a member's timer; above: the seconds that are left for its task
TURN = 0.05  # seconds that the timer's lock is waited for
STOP = "STOP"  # what ends the loop of django-q2


class Results:
    """Takes the place of django-q2's result queue, whose reader stores results and unpickles what is stored.

    Nothing is stored: a task that failed is logged, and each one is counted as done.
    """

    def __init__(self, done: Any) -> None:
        self.done = done

    def put(self, task: dict[str, Any]) -> None:
        if not task["success"]:
            log.error("pool.task_failed", bell=str(task["name"]), function=str(task["func"]), error=task["result"])
        self.done.value += 1


class Member:
    """Its tasks come over a pipe of its own: a member that is killed blocks no other."""

    def __init__(self, first: Callable[[], None] = lambda: None, replaces: Sequence[int] = ()) -> None:
        """`replaces`: the dead processes whose leases `first` frees."""
        self.replaces = list(replaces)
        self.ready = FORK.RawValue("b", False)  # `first` has returned
        self.timer = FORK.Value("f", IDLE)
        self.done = FORK.RawValue("L", 0)
        self.given = 0
        self.tasks = FORK.SimpleQueue()
        arguments = (self.tasks, Results(self.done), self.timer, first, self.ready)
        self.process = FORK.Process(target=work, args=arguments, daemon=True)
        self.process.start()

    def give(self, task: Any) -> None:
        self.given += 1
        self.tasks.put(task)

    def count_down(self) -> None:
        """One that was killed with its timer's lock in its hands is found dead soon enough."""
        lock = self.timer.get_lock()
        if lock.acquire(timeout=TURN):
            if self.timer.value > SPENT:
                self.timer.value = max(SPENT, self.timer.value - Conf.GUARD_CYCLE)
            lock.release()

    def is_idle(self) -> bool:
        """Whether it has done all that it was given, and will take more."""
        lock = self.timer.get_lock()
        if wait([self.process.sentinel], 0) or not lock.acquire(timeout=TURN):
            return False
        try:  # under the lock a member that is to be recycled has said so
            return bool(self.given == self.done.value and self.timer.get_obj().value == IDLE)
        finally:
            lock.release()

    def is_over(self) -> bool:
        return not self.process.is_alive() or self.timer.get_obj().value == SPENT

    def fate(self) -> str:
        if self.timer.get_obj().value == SPENT:
            return "timeout"
        return "recycled" if self.process.exitcode == 0 else "killed"

    def not_recovered(self) -> list[int]:
        """The dead processes whose leases it may not have freed, where it died before it was ready."""
        return [] if self.ready.value else self.replaces

    def end(self, *, within: float = 0.0) -> None:
        self.process.join(within)
        self.process.kill()
        self.process.join()
        self.tasks.close()


def work(tasks: Any, results: Results, timer: Any, first: Callable[[], None], ready: Any) -> None:
    """In a member's process."""
    watch()
    first()
    ready.value = True
    worker(tasks, results, timer, Conf.TIMEOUT)


def watch() -> None:
    """No process of the pool outlives its worker for long, whatever became of the others."""
    threading.Thread(target=end_with_the_worker, daemon=True).start()


def end_with_the_worker() -> None:
    lifeline.wait()
    threading.Event().wait(lifeline.GRACE)
    os.killpg(0, signal.SIGKILL)
