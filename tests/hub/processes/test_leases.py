"""A row has one holder at a time: it is acquired where it is free, renewed, and taken over."""

import os
from datetime import timedelta
from uuid import UUID

import pytest
from django.apps import apps

from hub.processes.leases import PROCESS_LEASES, RowLeases, new_lease, process_prefix
from hub.processes.loop_slots import LoopSlot
from hub.processes.worker_registry import NO_WORKER, WORKER_ENV, current_worker_id
from tests.factories import NOON

pytestmark = pytest.mark.django_db
LEASES = RowLeases(LoopSlot, timedelta(seconds=12))
SECOND, END = timedelta(seconds=1), NOON + LEASES.lasts
OURS = UUID(int=1 << 100)


@pytest.fixture
def row():
    return LoopSlot.objects.create(kind="run", number=0)


def acquire(lease, now=NOON):
    return bool(LEASES.acquire(LEASES.rows, lease, now=now))


def test_a_lease_names_this_process_and_no_two_are_alike():
    lease = new_lease()
    assert lease.bytes.startswith(process_prefix(NO_WORKER, os.getpid()))
    assert lease != new_lease()


def test_a_pool_knows_its_worker(monkeypatch):
    assert current_worker_id() == NO_WORKER
    monkeypatch.setenv(WORKER_ENV, str(OURS))
    assert current_worker_id() == OURS


def test_a_row_has_one_holder_until_its_lease_ends(row):
    first, second = new_lease(), new_lease()
    assert acquire(first) and not acquire(second, END - SECOND)
    assert list(LEASES.held(first)) == [row]
    assert acquire(second, END)
    assert not LEASES.held(first).exists()


def test_a_lease_that_is_renewed_in_time_goes_on(row):
    lease = new_lease()
    assert acquire(lease) and LEASES.renew(lease, now=END - SECOND)
    assert not acquire(new_lease(), END)
    assert not LEASES.renew(lease, now=END + LEASES.lasts)  # it was not renewed in time


def test_a_released_row_is_free_at_once(row):
    lease = new_lease()
    acquire(lease)
    LEASES.release(lease)
    assert acquire(new_lease()) and not LEASES.renew(lease, now=NOON)


def test_a_holder_that_wakes_after_a_take_over_holds_nothing(row):
    first = new_lease()
    acquire(first)
    acquire(new_lease(), END)
    assert LEASES.lock_held(first, [row.pk]) == set()
    assert LEASES.renew_rows(first, [row.pk], now=END) == {row.pk}
    assert not LEASES.renew(first, now=END)


def test_a_holder_that_wakes_before_a_take_over_goes_on(row):
    lease = new_lease()
    acquire(lease)
    assert list(LEASES.expired(now=END)) == [row]
    assert not LEASES.renew_rows(lease, [row.pk], now=END)
    assert LEASES.lock_held(lease, [row.pk]) == {row.pk}
    assert not acquire(new_lease(), END)


@pytest.mark.parametrize(("pid", "is_free"), [(7, True), (8, False)])
def test_leases_end_with_their_process(row, pid, is_free):
    acquire(UUID(bytes=process_prefix(OURS, 7).ljust(16, b"\7")))
    assert LEASES.end(process_prefix(OURS, pid), now=NOON + SECOND) == is_free
    assert acquire(new_lease(), NOON + SECOND) == is_free


def test_all_rows_that_a_process_leases_are_free_when_it_dies():
    leased = {model for model in apps.get_models() if hasattr(model, "lease_until")}
    assert leased == {leases.model for leases in PROCESS_LEASES}
