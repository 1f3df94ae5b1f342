"""A pool: one process that takes bells from the queue, and members, its children, that do what the bells ask for.

The loops are django-q2's own: `pusher`, `worker`, `monitor`. Its Cluster gives a process to each of the first and the
last, one more to guard them all, and one above that; each holds the whole product in memory. Here these four are one.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from queue import Full
from typing import Any

import structlog
from django.db import Error, connections
from django_q.conf import Conf
from django_q.monitor import monitor
from django_q.pusher import pusher
from django_q.queues import Queue
from django_q.worker import worker

from hub import lifeline

log = structlog.get_logger(__name__)

FORK = multiprocessing.get_context("fork")
IDLE, SPENT = -1.0, 0.0  # what django-q2 writes into a member's timer; above: the seconds that are left for its task
HUSH = 2.0  # seconds that our threads get to come to rest before a fork
END = 3.0  # seconds that a member, or a thread, gets to end by itself
TURN = 0.05  # seconds between looks while the pool stops
STOP = "STOP"  # what ends a loop of django-q2


class Member:
    """A process that does tasks, one after the other."""

    def __init__(self, tasks: Queue, results: Queue) -> None:
        self.timer = FORK.Value("f", IDLE)
        self.process = FORK.Process(target=work, args=(tasks, results, self.timer), daemon=True)
        self.process.start()
        self.busy_at = float("-inf")

    def count_down(self) -> None:
        """One that was killed with its timer's lock in its hands is found dead soon enough."""
        lock = self.timer.get_lock()
        if lock.acquire(timeout=TURN):
            if self.timer.value > SPENT:
                self.timer.value = max(SPENT, self.timer.value - Conf.GUARD_CYCLE)
            lock.release()

    def is_busy(self) -> bool:
        return bool(self.timer.get_obj().value > SPENT)

    def is_over(self) -> bool:
        return not self.process.is_alive() or self.timer.get_obj().value == SPENT

    def fate(self) -> str:
        if self.timer.get_obj().value == SPENT:
            return "timeout"
        return "recycled" if self.process.exitcode == 0 else "killed"

    def lingers(self) -> bool:
        """Idle for long while the pool stops: it is deaf, as whoever held the lock of the pipe was killed."""
        if self.is_busy():
            self.busy_at = time.monotonic()
        return time.monotonic() - self.busy_at > END

    def end(self, *, within: float = 0.0) -> None:
        self.process.join(within)
        self.process.kill()
        self.process.join()


class Pool:
    def __init__(self) -> None:
        self.tasks, self.results = Queue(maxsize=Conf.QUEUE_LIMIT), Queue()
        self.members: list[Member] = []
        self.pusher = self.monitor = threading.Thread()
        self.over = threading.Event()

    def run(self) -> None:
        """Until the worker above lets go of the lifeline; signals are for that one."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        watch()
        try:
            self.guard()
            while not lifeline.stopping(within=Conf.GUARD_CYCLE):
                self.guard()
            self.stop()
        finally:
            for member in self.members:
                member.end()

    def guard(self) -> None:
        """Whoever is missing is started."""
        for member in self.members:
            member.count_down()
        self.bury()
        if missing := Conf.WORKERS - len(self.members):
            self.hush()
            self.members += [Member(self.tasks, self.results) for _ in range(missing)]
        if not self.pusher.is_alive():
            self.over = threading.Event()
            self.pusher = begin(pusher, self.tasks, self.over)
        if not self.monitor.is_alive():
            self.monitor = begin(monitor, self.results)

    def bury(self) -> None:
        for member in filter(Member.is_over, self.members.copy()):
            self.members.remove(member)
            member.end(within=END)
            why = member.fate()
            (log.info if why == "recycled" else log.error)("pool.member_replaced", why=why)

    def hush(self) -> None:
        """No thread of ours works while we fork: a child would inherit its locks and its connection as they are."""
        self.over.set()
        if self.monitor.is_alive():
            self.results.put(STOP)
            self.monitor.join(HUSH)
        if self.pusher.is_alive():
            self.pusher.join(HUSH)

    def stop(self) -> None:
        """What was taken from the queue is done first. A member that is deaf is not waited for."""
        self.over.set()
        marks, began = len(self.members), time.monotonic()
        for member in self.members:
            member.busy_at = began
        while self.members:
            if marks and not self.pusher.is_alive():
                with suppress(Full):
                    self.tasks.put(STOP, block=False)
                    marks -= 1
            for member in [member for member in self.members if member.is_over() or member.lingers()]:
                self.members.remove(member)
                member.end()
            wait([member.process.sentinel for member in self.members], TURN)
        self.results.put(STOP)
        self.monitor.join(END)
        for queue in (self.tasks, self.results):
            queue.cancel_join_thread()


def work(tasks: Queue, results: Queue, timer: Any) -> None:
    """In a member's process."""
    watch()
    worker(tasks, results, timer, Conf.TIMEOUT)


def begin(loop: Callable[..., None], *arguments: Any) -> threading.Thread:
    """A loop of django-q2 on a thread, which leaves no connection behind. Where it ends early, another is begun."""

    def run() -> None:
        try:
            loop(*arguments)
        except Error as error:
            log.warning("pool.database_away", loop=loop.__name__, error=type(error).__name__)
        except Exception:  # a task of another version, which cannot be read here: its loop goes on with the next
            log.exception("pool.loop_failed", loop=loop.__name__)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name=loop.__name__, daemon=True)
    thread.start()
    return thread


def watch() -> None:
    """No process of the pool outlives its worker for long, whatever became of the others."""
    threading.Thread(target=end_with_the_worker, daemon=True).start()


def end_with_the_worker() -> None:
    lifeline.wait()
    threading.Event().wait(lifeline.GRACE)
    os.killpg(0, signal.SIGKILL)
