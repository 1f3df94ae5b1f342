"""Wake-ups in the queue: freed with a dead member, unreadable, or of an earlier version."""

import threading

import pytest
from django.db import OperationalError
from django_q.models import OrmQ
from django_q.pusher import pusher
from django_q.queues import Queue
from django_q.signing import SignedPackage

from hub.queue import migrate_queued_tasks, wake_up
from hub.queue.pool import free_leases_of_dead_processes, start_loop_thread
from hub.queue.work_classes import LONG, QUICK
from tests.factories import NOON


class Unreadable:
    """As a task of another version may be."""

    def __reduce__(self):
        return int, ("not a number",)


@pytest.mark.django_db(transaction=True)
def test_what_a_dead_member_held_is_freed_and_its_bells_may_ring_again():
    wake_up("pump", now=NOON)
    freed = []
    free_leases_of_dead_processes(freed.append, [41, 42])
    assert freed == [41, 42]
    assert wake_up("pump", now=NOON)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_stops_no_new_member(caplog):
    def free_leases(pid):
        raise OperationalError

    free_leases_of_dead_processes(free_leases, [41])
    (record,) = caplog.records
    assert record.msg["event"] == "pool.database_away"


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_cannot_be_read_does_not_silence_those_behind_it():
    OrmQ.objects.create(key=QUICK, payload=SignedPackage.dumps(Unreadable()), lock=NOON)
    wake_up("pump", now=NOON)
    tasks, over = Queue(), threading.Event()
    start_loop_thread(pusher, tasks, over).join(10)
    again = start_loop_thread(pusher, tasks, over)
    heard = [tasks.get(timeout=10)["args"] for _ in range(3)]
    over.set()
    again.join(10)
    assert sorted(heard) == [("canary",), ("canary",), ("pump",)]


@pytest.mark.django_db
def test_what_an_earlier_version_queued_during_a_restart_is_read_by_a_new_worker():
    wake_up("drain", now=NOON)
    OrmQ.objects.update(key="hub")
    migrate_queued_tasks()
    assert OrmQ.objects.get().key == LONG


@pytest.mark.django_db
def test_a_queued_task_that_cannot_be_read_stops_no_upgrade():
    wake_up("drain", now=NOON)
    damaged = OrmQ.objects.create(key="hub", payload="no task")
    migrate_queued_tasks()
    assert OrmQ.objects.exclude(pk=damaged.pk).count() == OrmQ.objects.count() == 1
