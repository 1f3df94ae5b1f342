"""What guards the processes of a pool. How it stands up and is stopped: tests/desk/test_work.py."""

import os
import signal
import threading

import pytest
from django_q.models import OrmQ
from django_q.pusher import pusher
from django_q.queues import Queue
from django_q.signing import SignedPackage

from hub import lifeline
from hub.queue import ring
from hub.queue.pool import SPENT, Member, begin
from tests.makers import NOON


class Unreadable:
    """As a task of another version may be."""

    def __reduce__(self):
        return int, ("not a number",)


@pytest.fixture
def member(monkeypatch):
    ends = lifeline.tie()
    monkeypatch.setenv(lifeline.NAME, ends.name)
    member = Member(Queue(), Queue())
    yield member
    member.end()
    ends.close()


def test_a_member_that_is_killed_is_over(member):
    assert not member.is_over()
    os.kill(member.process.pid, signal.SIGKILL)
    member.end(within=10)
    assert (member.is_over(), member.fate()) == (True, "killed")


def test_a_member_that_used_up_its_time_is_over(member):
    member.timer.value = 0.8
    member.count_down()
    assert (member.is_busy(), member.is_over()) == (True, False)
    member.count_down()
    assert (member.timer.value, member.is_over(), member.fate()) == (SPENT, True, "timeout")


def test_a_member_that_died_with_its_timer_in_its_hands_stops_nobody(member):
    holder = threading.Thread(target=member.timer.get_lock().acquire)
    holder.start()
    holder.join()
    member.count_down()
    assert not member.is_over()


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_cannot_be_read_does_not_silence_those_behind_it():
    OrmQ.objects.create(key="hub", payload=SignedPackage.dumps(Unreadable()), lock=NOON)
    ring("pump", now=NOON)
    tasks, over = Queue(), threading.Event()
    begin(pusher, tasks, over).join(10)
    again = begin(pusher, tasks, over)
    heard = [tasks.get(timeout=10)["args"] for _ in range(3)]
    over.set()
    again.join(10)
    assert sorted(heard) == [("canary",), ("canary",), ("pump",)]
