"""How a pool guards its processes. Its start and stop: tests/desk/test_work.py."""

import os
import signal
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection as database
from django_q.conf import Conf

from hub.processes import pool_pipe
from hub.queue.member import (
    FORK_CONTEXT,
    LOCK_TIMEOUT,
    MEMBER_LOST_AFTER,
    TIMER_EXPIRED,
    PoolMember,
)
from hub.queue.pool import TaskPool
from hub.queue.work_classes import DELIVERY, LONG, QUICK


@pytest.fixture
def gate():
    """A pipe that members inherit: a task that waits at it ends when a byte is written."""
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.fixture
def member(monkeypatch, gate, members_of_any_size):
    pipe = pool_pipe.open_pipe()
    monkeypatch.setenv(pool_pipe.DESCRIPTORS_ENV, pipe.name)
    member = PoolMember(QUICK)
    yield member
    member.terminate()
    pipe.close()


def test_a_member_that_is_killed_is_over(member):
    assert not member.has_ended()
    os.kill(member.process.pid, signal.SIGKILL)
    member.terminate(timeout=10)
    assert (member.has_ended(), member.end_reason()) == (True, "killed")


def test_a_member_that_used_up_its_time_is_over(member):
    member.timer.value = 0.8
    member.count_down_timer()
    assert (member.is_idle(), member.has_ended()) == (False, False)
    member.count_down_timer()
    assert (member.timer.value, member.has_ended(), member.end_reason()) == (
        TIMER_EXPIRED,
        True,
        "timeout",
    )


@pytest.mark.corrections(item="3.3")
def test_a_member_that_is_stopped_is_lost_after_its_leases(member):
    for _ in range(round(MEMBER_LOST_AFTER / Conf.GUARD_CYCLE)):
        member.watch()
    assert not member.has_ended()
    os.kill(member.process.pid, signal.SIGSTOP)
    for _ in range(round(MEMBER_LOST_AFTER / Conf.GUARD_CYCLE) + 2):
        member.watch()
    assert (member.has_ended(), member.end_reason()) == (True, "lost")
    member.terminate(timeout=10)
    assert not member.process.is_alive()


def test_a_member_that_dies_with_its_timer_locked_stops_no_other(member):
    holder = threading.Thread(target=member.timer.get_lock().acquire)
    holder.start()
    holder.join()
    member.count_down_timer()
    assert not member.has_ended()


def wait_until(holds, *, within=10.0):
    deadline = time.monotonic() + within
    while not holds() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return holds()


def task(function="operator.add", *arguments, **more):
    return {"id": "1", "name": "task", "func": function, "args": arguments, "kwargs": {}} | more


@pytest.mark.django_db(transaction=True)
def test_a_member_is_idle_when_it_has_done_what_it_was_given(member, gate):
    assert member.is_idle()
    member.assign_task(task_that_waits("prune", gate))
    assert not member.is_idle()
    open_gate(gate)
    assert wait_until(member.is_idle)


@pytest.mark.django_db(transaction=True)
def test_a_task_that_fails_makes_its_member_idle_again(member):
    member.assign_task(task("operator.nothing"))
    assert wait_until(member.is_idle)


@pytest.mark.django_db(transaction=True)
def test_a_member_that_is_killed_blocks_no_other(member):
    idle, other = PoolMember(QUICK), PoolMember(QUICK)
    os.kill(idle.process.pid, signal.SIGKILL)
    idle.terminate(timeout=10)
    other.assign_task(task("operator.add", 1, 2))
    assert wait_until(other.is_idle)
    other.terminate()


def wait_at_gate(name, reader):
    os.read(reader, 1)


def task_that_waits(name, gate):
    return task("tests.hub.queue.test_pool.wait_at_gate", name, gate[0])


def open_gate(gate):
    os.write(gate[1], b".")


def test_a_task_goes_to_a_member_of_its_class(member, gate):
    pool = TaskPool({QUICK: 1, LONG: 1}, lambda pid: None, lambda: True)
    long_member = PoolMember(LONG)
    pool.members = [member, long_member]
    pool.put(task_that_waits("prune", gate))
    assert (long_member.assigned_count, member.assigned_count) == (1, 0)
    assert pool.idle_classes() == {QUICK}
    long_member.terminate()


def test_a_pool_runs_no_pump_too_many(member):
    pool = TaskPool({QUICK: 1, DELIVERY: 2}, lambda pid: None, lambda: False)
    pumping = PoolMember(DELIVERY)
    pool.members = [member, pumping]
    assert pool.idle_classes() == {QUICK}
    pumping.terminate()


@pytest.mark.django_db(transaction=True)
def test_a_member_is_started_for_a_task_that_no_other_can_take(member, gate, monkeypatch):
    monkeypatch.setattr(Conf, "GUARD_CYCLE", 60.0)
    pool, started_at = TaskPool({QUICK: 2}, lambda pid: None, lambda: True), time.monotonic()
    pool.members = [member]
    for name in ("test:1", "test:2"):
        assert pool.idle_classes() == {QUICK}
        pool.put(task_that_waits(name, gate))
    assert (pool.idle_classes(), pool.count_members()) == (set(), {QUICK: 2})
    assert not pool.is_stop_requested_within_cycle()
    assert time.monotonic() - started_at < 30
    open_gate(gate)


@pytest.mark.django_db(transaction=True)
def test_a_pool_hands_tasks_to_idle_members_only(member, gate):
    pool = TaskPool({QUICK: 1}, lambda pid: None, lambda: True)
    pool.members = [member]
    pool.put(task_that_waits("test:1", gate))
    assert not pool.idle_classes()
    second = threading.Thread(target=pool.put, args=[task_that_waits("test:2", gate)])
    second.start()
    second.join(2 * LOCK_TIMEOUT)
    assert (second.is_alive(), member.assigned_count) == (True, 1)
    open_gate(gate)
    second.join(10)
    assert member.assigned_count == 2
    open_gate(gate)
    assert wait_until(pool.idle_classes)


def test_a_pool_sees_at_once_that_a_member_was_killed(member, monkeypatch):
    monkeypatch.setattr(Conf, "GUARD_CYCLE", 60.0)
    pool = TaskPool({QUICK: 1}, lambda pid: None, lambda: True)
    pool.members, started_at = [member], time.monotonic()
    os.kill(member.process.pid, signal.SIGKILL)
    assert not pool.is_stop_requested_within_cycle()
    assert (time.monotonic() - started_at < 30, member.has_ended()) == (True, True)


def test_after_a_replacement_a_pool_waits_as_long_as_ever(member, monkeypatch):
    """Members that end as soon as they are started do not keep a core busy."""
    monkeypatch.setattr(Conf, "GUARD_CYCLE", 0.2)
    pool = TaskPool({}, lambda pid: None, lambda: True)
    pool.replace_missing()
    pool.members, started_at = [member], time.monotonic()
    os.kill(member.process.pid, signal.SIGKILL)
    assert not pool.is_stop_requested_within_cycle()
    assert time.monotonic() - started_at >= 0.2


@pytest.mark.django_db(transaction=True)
def test_a_pusher_that_waits_for_tasks_ends_at_once(member, monkeypatch):
    monkeypatch.setattr(Conf, "POLL", 60.0)
    # without slots no process is forked beside this test's threads
    pool = TaskPool({}, lambda pid: None, lambda: True)
    pool.members = [member]
    pool.ensure_members()
    assert wait_until(lambda: member.assigned_count and member.is_idle())  # it ran the canary
    pool.pause_pusher()
    assert not pool.pusher.is_alive()


def test_the_process_id_of_a_dead_member_is_passed_to_the_new_one_that_frees_its_leases(member):
    pool = TaskPool({QUICK: 1}, lambda pid: None, lambda: True)
    pool.members = [member]
    os.kill(member.process.pid, signal.SIGKILL)
    assert wait_until(member.has_ended)
    assert (pool.remove_ended_members(), pool.members) == ([member.process.pid], [])


def test_what_a_dead_member_was_to_recover_is_recovered_by_the_next(member):
    pool = TaskPool({QUICK: 1}, lambda pid: None, lambda: True)
    replacing = PoolMember(QUICK, threading.Event().wait, [41, 42])
    pool.members = [replacing]
    os.kill(replacing.process.pid, signal.SIGKILL)
    assert wait_until(replacing.has_ended)
    assert pool.remove_ended_members() == [41, 42, replacing.process.pid]


def test_what_a_member_has_recovered_is_not_recovered_again(member):
    pool = TaskPool({QUICK: 1}, lambda pid: None, lambda: True)
    replacing = PoolMember(QUICK, replaces=[41])
    pool.members = [replacing]
    assert wait_until(lambda: replacing.ready.value)
    os.kill(replacing.process.pid, signal.SIGKILL)
    assert wait_until(replacing.has_ended)
    assert pool.remove_ended_members() == [replacing.process.pid]


def backend_pid():
    """The process id of this process's database session."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def replace_killed_members(times):
    """Return the sessions of this process and of the members that replaced killed ones."""
    seen = [backend_pid()]
    # a queue has a lock, which a killed member would keep
    receiver, sender = FORK_CONTEXT.Pipe(duplex=False)
    pool = TaskPool({QUICK: 1}, lambda pid: sender.send(backend_pid()), lambda: True)
    pool.members = [PoolMember(QUICK)]
    for _ in range(times):
        os.kill(pool.members[0].process.pid, signal.SIGKILL)
        assert wait_until(pool.members[0].has_ended)
        pool.replace_missing()
        seen.append(receiver.recv())
    pool.members[0].terminate()
    return seen


REPLACE = """
import django; django.setup()
from hub.processes import pool_pipe
import os
ends = pool_pipe.open_pipe()
os.environ[pool_pipe.DESCRIPTORS_ENV] = ends.name
from tests.hub.queue.test_pool import replace_killed_members
print(len(set(replace_killed_members(2))))
"""


@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has no sessions")
@pytest.mark.django_db(transaction=True)
def test_members_share_no_database_connection_with_the_pool_or_each_other():
    """In a process of its own: a pool forks without other threads, which the tests' process has."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database.settings_dict['NAME']}")
    done = subprocess.run(
        [sys.executable, "-c", REPLACE],
        env=os.environ | {"DATABASE_URL": url.geturl()},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.stdout.strip(), done.returncode) == ("3", 0), done.stderr


@pytest.mark.django_db(transaction=True)
def test_the_process_of_a_pool_opens_no_database_connection_of_its_own():
    pool, opened = TaskPool({}, lambda pid: None, lambda: True), []

    def ensure_members():
        pool.ensure_members()
        opened.append(database.connection is not None)
        database.close()

    thread = threading.Thread(target=ensure_members)
    thread.start()
    thread.join(10)
    pool.pause_pusher()
    assert opened == [False]


def test_no_bell_is_given_to_a_member_that_is_being_buried(member):
    # without slots no process is forked beside this test's threads
    pool, pipes = TaskPool({}, lambda pid: None, lambda: True), []
    pool.members = [member]

    def pusher_that_holds_a_bell():
        pool.pusher_stopping.wait(10)
        pipes.append(member.tasks._writer.closed)

    pool.pusher = threading.Thread(target=pusher_that_holds_a_bell)
    pool.pusher.start()
    os.kill(member.process.pid, signal.SIGKILL)
    assert wait_until(member.has_ended)
    pool.replace_missing()
    assert (pipes, pool.members) == ([False], [])
