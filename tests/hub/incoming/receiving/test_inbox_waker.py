"""Receivers start the inbox loop, and seldom ask whether it runs."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.db.clock import clock
from hub.incoming.processing.inbox_waker import RUNNING_LOOP_CACHED_FOR, InboxWaker
from hub.processes.leases import new_lease
from hub.processes.loop_slots import acquire_slot, release_slot
from hub.queue import WakeUp

pytestmark = pytest.mark.django_db
SOON = timedelta(milliseconds=1)


def count_statements(waker, *, now):
    with CaptureQueriesContext(database) as queries:
        waker.wake(now=now)
    return len(queries)


def is_woken():
    return WakeUp.objects.filter(name="inbox", requested_at__isnull=False).exists()


def test_a_running_loop_is_looked_up_again_after_half_a_second():
    now, waker = clock(), InboxWaker()
    acquire_slot("inbox", new_lease(), now=now)
    assert count_statements(waker, now=now) == 1
    assert count_statements(waker, now=now + RUNNING_LOOP_CACHED_FOR - SOON) == 0
    assert count_statements(waker, now=now + RUNNING_LOOP_CACHED_FOR) == 1
    assert not is_woken()


def test_without_a_loop_every_receiver_wakes_one():
    now, waker, lease = clock(), InboxWaker(), new_lease()
    acquire_slot("inbox", lease, now=now)
    waker.wake(now=now)
    release_slot(lease)
    waker.wake(now=now + RUNNING_LOOP_CACHED_FOR)
    assert is_woken()
    assert count_statements(waker, now=now + RUNNING_LOOP_CACHED_FOR + SOON) > 0
