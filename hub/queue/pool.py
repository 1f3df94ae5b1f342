"""A pool: one process that takes wake-ups from the queue, and its members, which run them.

The loops are django-q2's own: `pusher`, and `worker` in each member. Its Cluster runs pusher,
`monitor`, sentinel and cluster in a process each, with the whole product in memory. Here these are
one process, and `monitor`, which reads unsigned pickles from the database, does not run.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import wait
from typing import Any

import structlog
from django.db import Error, connections
from django_q.conf import Conf
from django_q.pusher import pusher

from hub.processes import pool_pipe
from hub.queue import WakeUpBroker, reset_wake_ups
from hub.queue.member import LOCK_TIMEOUT, STOP_TASK, PoolMember, start_watchdog
from hub.queue.work_classes import DELIVERY, find_work_class

log = structlog.get_logger(__name__)

FORK_PAUSE_SECONDS = 2.0  # to wait for the pusher thread to end before a fork
MEMBER_END_SECONDS = 3.0  # to wait for a member to end by itself


class TaskPool:
    """A pool of members, each of which runs tasks of one class of work.

    `slots`: how many members each class may have; a member is started for the first task that no
    other can take, and stays. `free_leases(pid)` frees the leases of a dead member;
    `is_pump_allowed()` returns whether this pool may run one more pump.
    """

    def __init__(
        self,
        slots: Mapping[str, int],
        free_leases: Callable[[int], object],
        is_pump_allowed: Callable[[], bool],
    ) -> None:
        self.slots, self.free_leases, self.is_pump_allowed = slots, free_leases, is_pump_allowed
        self.members: list[PoolMember] = []
        self.unassigned_tasks: list[tuple[str, Any]] = []  # by class; a member is started for each
        self.start_reader, self.start_writer = os.pipe()  # readable when a member is to be started
        self.has_replaced = False  # members, in the last guard cycle
        self.is_cycle_complete = True  # the last guard cycle was not ended by a member's end
        self.pusher = threading.Thread()
        self.pusher_stopping = threading.Event()

    def run(self) -> None:
        """Run until the worker closes its pipe. Signals are left to the worker."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        start_watchdog()
        try:
            self.ensure_members()
            while not self.is_stop_requested_within_cycle():
                self.ensure_members()
            self.stop()
        finally:
            for member in self.members:
                member.terminate()

    def is_stop_requested_within_cycle(self) -> bool:
        """Wait for one guard cycle, or until a member ends, so that what it was sending goes again
        soon; return whether the worker requested a stop.

        It ends as well when a member is to be started. After a replacement the whole cycle passes,
        as new members may end as soon as they start.
        """
        watched = [] if self.has_replaced else self.members
        sentinels = [member.process.sentinel for member in watched]
        is_requested = pool_pipe.is_stop_requested(
            timeout=Conf.GUARD_CYCLE, wake_descriptors=[self.start_reader, *sentinels]
        )
        is_start_requested = bool(wait([self.start_reader], 0))
        if is_start_requested:
            os.read(self.start_reader, 1)
        ended = [member for member in watched if wait([member.process.sentinel], 0)]
        for member in ended:
            member.process.join(MEMBER_END_SECONDS)
        self.has_replaced, self.is_cycle_complete = False, not ended and not is_start_requested
        return is_requested

    def ensure_members(self) -> None:
        """Start missing members, and the pusher thread."""
        for member in self.members if self.is_cycle_complete else ():
            member.count_down_timer()
            member.watch()
        if self.unassigned_tasks or any(map(PoolMember.has_ended, self.members)):
            self.replace_missing()
        if not self.pusher.is_alive():
            self.pusher_stopping = threading.Event()
            self.pusher = start_loop_thread(self.push_tasks, self.pusher_stopping)

    def replace_missing(self) -> None:
        """Start missing members; the first new one frees the leases of those that ended.

        The pusher is paused, so that it assigns no task to a member whose pipe is being closed.
        A database connection is closed before the fork: members that inherit one would read each
        other's results.
        """
        self.has_replaced = True
        self.pause_pusher()
        connections.close_all()
        wanted, dead = self.count_members() & Counter(self.slots), self.remove_ended_members()
        missing = wanted - Counter(member.work_class for member in self.members)
        free_dead_leases = partial(free_leases_of_dead_processes, self.free_leases, dead)
        for index, work_class in enumerate(missing.elements()):
            self.members.append(
                PoolMember(work_class) if index else PoolMember(work_class, free_dead_leases, dead)
            )
        tasks, self.unassigned_tasks = self.unassigned_tasks, []
        for _, task in tasks:
            self.put(task)

    def count_members(self) -> Counter[str]:
        """Return the number of members of each class, with those that are to be started."""
        starting = Counter(work_class for work_class, _ in self.unassigned_tasks)
        return Counter(member.work_class for member in self.members.copy()) + starting

    def remove_ended_members(self) -> list[int]:
        """Remove the members that ended; return the processes whose leases must be freed.

        These are members that were killed, and processes whose leases a removed member should have
        freed.
        """
        dead_pids = []
        for member in filter(PoolMember.has_ended, self.members.copy()):
            self.members.remove(member)
            reason = member.end_reason()
            member.terminate(timeout=MEMBER_END_SECONDS)
            dead_pids += member.unfreed_pids()
            (log.info if reason == "recycled" else log.error)("pool.member_replaced", reason=reason)
            if reason != "recycled" and member.process.pid:
                dead_pids.append(member.process.pid)
        return dead_pids

    def pause_pusher(self) -> None:
        """End the pusher before a fork, as a child would inherit its locks and connection."""
        self.pusher_stopping.set()
        if self.pusher.is_alive():
            self.pusher.join(FORK_PAUSE_SECONDS)

    def stop(self) -> None:
        """Stop all members, after the tasks that were taken from the queue have run."""
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

    # --- called by the pusher ---------------------------------------------------------------------

    def push_tasks(self, stopping: threading.Event) -> None:
        """Run django-q2's pusher, with the broker, and so its connection, opened on this thread."""
        pusher(self, stopping, self.open_broker(stopping))

    def open_broker(self, stopping: threading.Event) -> WakeUpBroker:
        return WakeUpBroker(idle_classes=self.idle_classes, pause=stopping.wait)

    def idle_classes(self) -> set[str]:
        """Return the classes with an idle member, or with one that can be started; *delivery* only
        if one more pump may run.
        """
        idle = {member.work_class for member in self.members.copy() if member.is_idle()}
        idle.update(work_class for work_class in self.slots if self.can_start(work_class))
        if DELIVERY in idle and not self.is_pump_allowed():
            idle.remove(DELIVERY)
        return idle

    def can_start(self, work_class: str) -> bool:
        """Return whether one more member of a class may be started."""
        return self.count_members()[work_class] < self.slots.get(work_class, 0)

    def put(self, task: Any) -> None:
        """Assign a task to an idle member, else to one that is started for it.

        It is dropped if the pool stops: the sweep sends it again.
        """
        work_class = find_work_class(str(task["args"][0]))
        while True:
            for member in self.members.copy():
                if member.work_class == work_class and member.is_idle():
                    return member.assign_task(task)
            if self.can_start(work_class):
                self.unassigned_tasks.append((work_class, task))
                os.write(self.start_writer, b".")
                return None
            if self.pusher_stopping.wait(LOCK_TIMEOUT):
                return None


def free_leases_of_dead_processes(
    free_leases: Callable[[int], object], dead_pids: Sequence[int]
) -> None:
    """Free leases of dead processes, and let their wake-ups be sent again; in a new member."""
    try:
        if dead_pids:
            reset_wake_ups()
        for pid in dead_pids:
            free_leases(pid)
    except Error as error:  # their leases expire
        log.warning("pool.database_away", error=type(error).__name__)


def start_loop_thread(loop: Callable[..., None], *arguments: Any) -> threading.Thread:
    """Run a loop of django-q2 on a thread that closes its connections; see `ensure_members`."""

    def run() -> None:
        try:
            loop(*arguments)
        except Error as error:
            log.warning("pool.database_away", loop=loop.__name__, error=type(error).__name__)
        except Exception:  # such as a task of another version that cannot be read here
            log.exception("pool.loop_failed", loop=loop.__name__)
        finally:
            with suppress(Error):
                connections.close_all()

    thread = threading.Thread(target=run, name=loop.__name__, daemon=True)
    thread.start()
    return thread
