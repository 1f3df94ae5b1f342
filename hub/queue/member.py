"""A member of a pool: a process that runs one task after the other in django-q2's `worker` loop."""

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

FORK_CONTEXT = multiprocessing.get_context("fork")
# What django-q2 writes into a member's timer; greater values are the seconds left for its task.
TIMER_IDLE, TIMER_EXPIRED = -1.0, 0.0
SIGN_OF_LIFE_EVERY = 1.0  # seconds
# Seconds without a sign of life, as when it was stopped or swapped out; as long as its leases last.
MEMBER_LOST_AFTER = 12.0
LOCK_TIMEOUT = 0.05  # seconds to wait for the timer's lock
STOP_TASK = "STOP"  # ends the loop of django-q2


class ResultCounter:
    """Replacement for django-q2's result queue, whose reader stores results and unpickles them.

    Nothing is stored here: a failed task is logged, and each task is counted.
    """

    def __init__(self, done: Any) -> None:
        self.done = done

    def put(self, task: dict[str, Any]) -> None:
        """Count a task that ended; log it if it failed."""
        if not task["success"]:
            log.error(
                "pool.task_failed",
                wake_up=str(task["name"]),
                function=str(task["func"]),
                error=task["result"],
            )
        self.done.value += 1


class PoolMember:
    """A child process with its own task pipe, so that a killed member does not block another."""

    def __init__(
        self,
        work_class: str,
        on_start: Callable[[], None] = lambda: None,
        replaces: Sequence[int] = (),
    ) -> None:
        """Start the process. `replaces`: the dead processes whose leases `on_start` frees."""
        self.work_class = work_class
        self.replaces = list(replaces)
        self.ready = FORK_CONTEXT.RawValue("b", False)  # set when `on_start` has returned
        self.timer = FORK_CONTEXT.Value("f", TIMER_IDLE)
        self.signs_of_life = FORK_CONTEXT.RawValue("L", 0)
        self.seen_signs, self.silent_seconds = 0, 0.0
        self.done = FORK_CONTEXT.RawValue("L", 0)
        self.assigned_count = 0
        self.tasks = FORK_CONTEXT.SimpleQueue()
        arguments = (
            self.tasks,
            ResultCounter(self.done),
            self.timer,
            self.signs_of_life,
            on_start,
            self.ready,
        )
        self.process = FORK_CONTEXT.Process(target=_run_member, args=arguments, daemon=True)
        self.process.start()

    def assign_task(self, task: Any) -> None:
        """Send a task to the member."""
        self.assigned_count += 1
        self.tasks.put(task)

    def count_down_timer(self) -> None:
        """Count the timer down by one guard cycle; skip it if a killed process holds the lock."""
        lock = self.timer.get_lock()
        if lock.acquire(timeout=LOCK_TIMEOUT):
            if self.timer.value > TIMER_EXPIRED:
                self.timer.value = max(TIMER_EXPIRED, self.timer.value - Conf.GUARD_CYCLE)
            lock.release()

    def watch(self) -> None:
        """Count for how long the process has given no sign of life, by one guard cycle.

        Cycles are counted, so that a pool that was stopped itself does not take all for lost.
        """
        signs = self.signs_of_life.value
        is_silent = signs == self.seen_signs
        self.silent_seconds = self.silent_seconds + Conf.GUARD_CYCLE if is_silent else 0.0
        self.seen_signs = signs

    @property
    def is_lost(self) -> bool:
        return self.silent_seconds > MEMBER_LOST_AFTER

    def is_idle(self) -> bool:
        """Return whether the member has run all its tasks and accepts more."""
        lock = self.timer.get_lock()
        if wait([self.process.sentinel], 0) or not lock.acquire(timeout=LOCK_TIMEOUT):
            return False
        try:  # under the lock, as a member that is about to be recycled sets its timer
            return bool(
                self.assigned_count == self.done.value and self.timer.get_obj().value == TIMER_IDLE
            )
        finally:
            lock.release()

    def has_ended(self) -> bool:
        """Return whether the process ended or is lost, or its task used up its time."""
        is_expired = self.timer.get_obj().value == TIMER_EXPIRED
        return not self.process.is_alive() or is_expired or self.is_lost

    def end_reason(self) -> str:
        """Return why the member ended: timeout, lost, recycled or killed."""
        if self.timer.get_obj().value == TIMER_EXPIRED:
            return "timeout"
        if self.process.is_alive():
            return "lost"
        return "recycled" if self.process.exitcode == 0 else "killed"

    def unfreed_pids(self) -> list[int]:
        """Return the dead processes whose leases this member should have freed before it died."""
        return [] if self.ready.value else self.replaces

    def terminate(self, *, timeout: float = 0.0) -> None:
        """Wait for the process to end by itself, unless it is lost, kill it, and close its pipe."""
        self.process.join(0.0 if self.is_lost else timeout)
        self.process.kill()
        self.process.join()
        self.tasks.close()


def _run_member(
    tasks: Any,
    results: ResultCounter,
    timer: Any,
    signs_of_life: Any,
    on_start: Callable[[], None],
    ready: Any,
) -> None:
    """Run a member; called in its process."""
    threading.Thread(target=_give_signs_of_life, args=(signs_of_life,), daemon=True).start()
    start_watchdog()
    on_start()
    ready.value = True
    worker(tasks, results, timer, Conf.TIMEOUT)


def _give_signs_of_life(signs_of_life: Any) -> None:
    while True:
        signs_of_life.value += 1
        threading.Event().wait(SIGN_OF_LIFE_EVERY)


def start_watchdog() -> None:
    """Kill this process group if it outlives its worker by more than STOP_GRACE."""
    threading.Thread(target=_exit_with_worker, daemon=True).start()


def _exit_with_worker() -> None:
    pool_pipe.wait_for_close()
    threading.Event().wait(pool_pipe.STOP_GRACE)
    os.killpg(0, signal.SIGKILL)
