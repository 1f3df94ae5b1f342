"""A pool: one process that takes bells from the queue, and members, its children, that do what the bells ask for.

The loops are django-q2's own: `pusher`, and `worker` in each member. Its Cluster gives a process to the first, one to
`monitor`, one more to guard them all, and one above that; each holds the whole product in memory. Here these are one,
and `monitor`, which reads unsigned pickles from the database, does not run.
"""

import signal
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import wait
from typing import Any

import structlog
from django.db import Error, connections
from django_q.conf import Conf
from django_q.pusher import pusher

from hub.processes import pool_pipe
from hub.queue import WakeUpBroker, broker_key, reset_wake_ups
from hub.queue.member import LOCK_TIMEOUT, STOP_TASK, PoolMember, start_watchdog

log = structlog.get_logger(__name__)

FORK_PAUSE_SECONDS = 2.0  # seconds that our thread gets to come to rest before a fork
MEMBER_END_SECONDS = 3.0  # seconds that a member gets to end by itself


class TaskPool:
    """`recover` frees what a member that died held; `keys` are those of the bells that this pool takes now."""

    def __init__(
        self, recover: Callable[[int], object], keys: Callable[[], Collection[str]]
    ) -> None:
        self.recover, self.keys = recover, keys
        self.members: list[PoolMember] = []
        self.pusher = threading.Thread()
        self.pusher_stopping = threading.Event()

    def run(self) -> None:
        """Until the worker above lets go of the lifeline; signals are for that one."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        start_watchdog()
        try:
            self.ensure_members()
            while not pool_pipe.is_stop_requested(within=Conf.GUARD_CYCLE):
                self.ensure_members()
            self.stop()
        finally:
            for member in self.members:
                member.terminate()

    def ensure_members(self) -> None:
        """Start whoever is missing."""
        for member in self.members:
            member.count_down_timer()
        if len(self.members) < Conf.WORKERS or any(map(PoolMember.has_ended, self.members)):
            self.replace_missing()
        if not self.pusher.is_alive():
            self.pusher_stopping = threading.Event()
            self.pusher = start_loop_thread(pusher, self, self.pusher_stopping, self.open_broker())

    def replace_missing(self) -> None:
        """The pusher rests first, so that it hands no bell to a member whose pipe is being closed.

        A new member first frees what the dead one held.
        """
        self.pause_pusher()
        dead = self.remove_ended_members()
        if missing := Conf.WORKERS - len(self.members):
            self.members.append(PoolMember(partial(recover_processes, self.recover, dead), dead))
            self.members += [PoolMember() for _ in range(missing - 1)]

    def remove_ended_members(self) -> list[int]:
        """Remove the members that ended; return the processes that did not end by themselves.

        Among them are those that a removed member was to recover and did not.
        """
        dead_pids = []
        for member in filter(PoolMember.has_ended, self.members.copy()):
            self.members.remove(member)
            reason = member.end_reason()
            member.terminate(timeout=MEMBER_END_SECONDS)
            dead_pids += member.not_recovered()
            (log.info if reason == "recycled" else log.error)("pool.member_replaced", reason=reason)
            if reason != "recycled" and member.process.pid:
                dead_pids.append(member.process.pid)
        return dead_pids

    def pause_pusher(self) -> None:
        """No thread of ours works while we fork: a child would inherit its locks and its connection as they are."""
        self.pusher_stopping.set()
        if self.pusher.is_alive():
            self.pusher.join(FORK_PAUSE_SECONDS)

    def stop(self) -> None:
        """What was taken from the queue is done first."""
        self.pusher_stopping.set()
        if self.pusher.is_alive():
            self.pusher.join(MEMBER_END_SECONDS)
        for member in self.members:
            member.assign_task(STOP_TASK)
        while self.members:
            for member in filter(PoolMember.has_ended, self.members.copy()):
                self.members.remove(member)
                member.terminate()
            wait([member.process.sentinel for member in self.members], LOCK_TIMEOUT)

    # --- what the pusher asks for ------------------------------------------------------------------------------------

    def open_broker(self) -> WakeUpBroker:
        return WakeUpBroker(broker_key(""), has_idle_member=self.has_idle_member, keys=self.keys)

    def has_idle_member(self) -> bool:
        return any(map(PoolMember.is_idle, self.members.copy()))

    def put(self, task: Any) -> None:
        """Hand a task to an idle member. A bell that nobody takes before the pool stops is rung again."""
        while True:
            for member in filter(PoolMember.is_idle, self.members.copy()):
                return member.assign_task(task)
            if self.pusher_stopping.wait(LOCK_TIMEOUT):
                return None


def recover_processes(recover: Callable[[int], object], dead_pids: Sequence[int]) -> None:
    """In a new member's process: free what the dead held, and let the bells ring again that they had taken."""
    try:
        if dead_pids:
            reset_wake_ups()
        for pid in dead_pids:
            recover(pid)
    except Error as error:  # their leases end by themselves
        log.warning("pool.database_away", error=type(error).__name__)


def start_loop_thread(loop: Callable[..., None], *arguments: Any) -> threading.Thread:
    """A loop of django-q2 on a thread, which leaves no connection behind. Where it ends early, another is begun."""

    def run() -> None:
        try:
            loop(*arguments)
        except Error as error:
            log.warning("pool.database_away", loop=loop.__name__, error=type(error).__name__)
        except (
            Exception
        ):  # a task of another version, which cannot be read here: its loop goes on with the next
            log.exception("pool.loop_failed", loop=loop.__name__)
        finally:
            with suppress(Error):
                connections.close_all()

    thread = threading.Thread(target=run, name=loop.__name__, daemon=True)
    thread.start()
    return thread
