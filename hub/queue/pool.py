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

from hub import lifeline
from hub.queue import Doorbell, forget, key_of
from hub.queue.member import STOP, TURN, Member, watch

log = structlog.get_logger(__name__)

HUSH = 2.0  # seconds that our thread gets to come to rest before a fork
END = 3.0  # seconds that a member gets to end by itself


class Pool:
    """`recover` frees what a member that died held; `keys` are those of the bells that this pool takes now."""

    def __init__(self, recover: Callable[[int], object], keys: Callable[[], Collection[str]]) -> None:
        self.recover, self.keys = recover, keys
        self.members: list[Member] = []
        self.pusher = threading.Thread()
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
        """Start whoever is missing."""
        for member in self.members:
            member.count_down()
        if len(self.members) < Conf.WORKERS or any(map(Member.is_over, self.members)):
            self.replace_missing()
        if not self.pusher.is_alive():
            self.over = threading.Event()
            self.pusher = begin(pusher, self, self.over, self.doorbell())

    def replace_missing(self) -> None:
        """The pusher rests first, so that it hands no bell to a member whose pipe is being closed.

        A new member first frees what the dead one held.
        """
        self.hush()
        dead = self.bury()
        if missing := Conf.WORKERS - len(self.members):
            self.members.append(Member(partial(recover_all, self.recover, dead), dead))
            self.members += [Member() for _ in range(missing - 1)]

    def bury(self) -> list[int]:
        """Remove the members that ended; return the processes that did not end by themselves.

        Among them are those that a removed member was to recover and did not.
        """
        dead = []
        for member in filter(Member.is_over, self.members.copy()):
            self.members.remove(member)
            why = member.fate()
            member.end(within=END)
            dead += member.not_recovered()
            (log.info if why == "recycled" else log.error)("pool.member_replaced", why=why)
            if why != "recycled" and member.process.pid:
                dead.append(member.process.pid)
        return dead

    def hush(self) -> None:
        """No thread of ours works while we fork: a child would inherit its locks and its connection as they are."""
        self.over.set()
        if self.pusher.is_alive():
            self.pusher.join(HUSH)

    def stop(self) -> None:
        """What was taken from the queue is done first."""
        self.over.set()
        if self.pusher.is_alive():
            self.pusher.join(END)
        for member in self.members:
            member.give(STOP)
        while self.members:
            for member in filter(Member.is_over, self.members.copy()):
                self.members.remove(member)
                member.end()
            wait([member.process.sentinel for member in self.members], TURN)

    # --- what the pusher asks for ------------------------------------------------------------------------------------

    def doorbell(self) -> Doorbell:
        return Doorbell(key_of(""), has_idle_member=self.has_idle_member, keys=self.keys)

    def has_idle_member(self) -> bool:
        return any(map(Member.is_idle, self.members.copy()))

    def put(self, task: Any) -> None:
        """Hand a task to an idle member. A bell that nobody takes before the pool stops is rung again."""
        while True:
            for member in filter(Member.is_idle, self.members.copy()):
                return member.give(task)
            if self.over.wait(TURN):
                return None


def recover_all(recover: Callable[[int], object], dead: Sequence[int]) -> None:
    """In a new member's process: free what the dead held, and let the bells ring again that they had taken."""
    try:
        if dead:
            forget()
        for pid in dead:
            recover(pid)
    except Error as error:  # their leases end by themselves
        log.warning("pool.database_away", error=type(error).__name__)


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
            with suppress(Error):
                connections.close_all()

    thread = threading.Thread(target=run, name=loop.__name__, daemon=True)
    thread.start()
    return thread
