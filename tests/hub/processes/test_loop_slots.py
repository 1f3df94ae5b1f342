"""Slots of loops are limited; what a dead process held is free at once."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection as database

from connectors.http import InFlight
from hub.connections.models import LANE_LEASES, Lane
from hub.outgoing.models import Delivery
from hub.processes import loop_slots
from hub.processes.leases import end_leases, process_prefix, worker_prefix
from hub.processes.loop_slots import LoopSlot
from hub.processes.worker_registry import WORKER_ENV, Worker
from hub.throttle.demand import Demand, ScopeCost
from hub.throttle.models import InFlightLease
from hub.throttle.reserve import reserve_calls
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

OURS, OTHERS = UUID(int=1 << 100), UUID(int=2 << 100)


def lease_of(worker, pid=7):
    return UUID(bytes=process_prefix(worker, pid).ljust(16, b"\7"))


def hold(make, lease):
    """A delivery on its way under that lease, with its pump's place and room."""
    delivery = make.delivery()
    Delivery.unscoped.filter(pk=delivery.pk).update(state="sending", lease=lease, attempt_count=1)
    Lane.unscoped.filter(connection=delivery.connection).update(
        lease=lease, lease_until=NOON + MINUTE, due_at=NOON
    )
    LoopSlot.objects.create(
        kind="pump", number=LoopSlot.objects.count(), lease=lease, lease_until=NOON + MINUTE
    )
    InFlightLease.objects.create(key="app", lease=lease, count=1, until=NOON + MINUTE)
    return delivery


def states():
    return list(Delivery.unscoped.order_by("pk").values_list("state", flat=True))


def test_what_a_dead_process_sent_goes_again_at_once_and_its_slot_is_free(make):
    hold(make, lease_of(OURS))
    end_leases(process_prefix(OURS, 7), now=NOON)
    assert not loop_slots.is_loop_running("pump", now=NOON)
    later = NOON + timedelta(milliseconds=1)
    pump(FakeHttp(), at=later)
    assert states() == ["delivered"]


@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_a_publisher_that_has_not_committed_does_not_delay_it(make):
    delivery = hold(make, lease_of(OURS))
    publisher = database.copy()
    with publisher.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            "SELECT 1 FROM connections_lane WHERE connection_id = %s FOR KEY SHARE",
            [delivery.connection_id],
        )
        with database.cursor() as ours:
            ours.execute("SET lock_timeout = '300ms'")
        try:
            end_leases(worker_prefix(OURS), now=NOON)
            assert not loop_slots.is_loop_running("pump", now=NOON)
        finally:
            cursor.execute("ROLLBACK")
            publisher.close()
            database.close()  # with its lock_timeout


def test_what_a_dead_process_sent_goes_before_what_became_due_later(make):
    sent = hold(make, lease_of(OURS))
    later = make.delivery(sent.connection, now=NOON + timedelta(seconds=1))
    end_leases(process_prefix(OURS, 7), now=NOON + timedelta(seconds=2))
    http = FakeHttp()
    pump(http, at=NOON + timedelta(seconds=3))
    assert [request.headers["webhook-id"] for request in http.requests] == [
        sent.message_id,
        later.message_id,
    ]


def test_without_that_it_waits_for_the_end_of_the_lease(make):
    hold(make, lease_of(OURS))
    pump(FakeHttp(), at=NOON + timedelta(seconds=1))
    assert states() == ["sending"]


@pytest.mark.parametrize(
    ("prefix", "freed"),
    [(process_prefix(OURS, 7), 1), (process_prefix(OURS, 8), 1), (worker_prefix(OURS), 2)],
)
def test_only_the_dead_lose_their_leases(make, prefix, freed):
    for lease in (lease_of(OURS, 7), lease_of(OURS, 8), lease_of(OTHERS, 7)):
        hold(make, lease)
    assert LANE_LEASES.end(prefix, now=NOON) == freed
    end_leases(prefix, now=NOON)
    assert len(loop_slots.active_leases("pump", now=NOON)) == 3 - freed
    assert lease_of(OTHERS, 7) in loop_slots.active_leases("pump", now=NOON)


@pytest.mark.corrections(item="3.8")
def test_calls_of_a_dead_process_count_until_they_have_ended_at_the_provider(make):
    def take_calls(pid, at):
        (reservation,) = reserve_calls(
            [Demand((ScopeCost("app|app||calls", InFlight(10)),), 100, 8)],
            now=at,
            horizon=timedelta(0),
            lease=lease_of(OURS, pid),
        )
        return reservation.max_in_flight

    assert take_calls(7, NOON) == 8
    end_leases(process_prefix(OURS, 7), now=NOON)
    assert take_calls(8, NOON + timedelta(seconds=19)) == 2
    assert take_calls(9, NOON + timedelta(seconds=25)) == 8


# --- places ---------------------------------------------------------------------------------------


def take(worker, **limits):
    return loop_slots.acquire_slot(
        "pump", lease_of(worker, len(LoopSlot.objects.all())), **{"total": 0} | limits, now=NOON
    )


@pytest.fixture
def own_worker(monkeypatch):
    monkeypatch.setenv(WORKER_ENV, str(OURS))


def run_elsewhere(count):
    for number in range(count):
        LoopSlot.objects.create(
            kind="pump", number=number, lease=lease_of(OTHERS, number), lease_until=NOON + MINUTE
        )


def test_pumps_are_counted_for_each_worker(own_worker):
    run_elsewhere(3)
    assert [take(OURS, per_worker=2) for _ in range(3)] == [True, True, False]


def test_a_limit_for_the_installation_counts_all_of_them(own_worker):
    run_elsewhere(3)
    assert [take(OURS, per_worker=2, total=4) for _ in range(2)] == [True, False]


def test_a_place_that_was_left_or_whose_pump_died_is_taken_again(own_worker):
    run_elsewhere(1)
    assert take(OURS, per_worker=1)
    LoopSlot.objects.filter(number=0).update(lease=None, lease_until=None)
    LoopSlot.objects.filter(number=1).update(lease_until=NOON)
    assert [take(OURS, per_worker=2) for _ in range(2)] == [True, True]
    assert LoopSlot.objects.count() == 2


def test_another_worker_has_room_while_it_lives_and_runs_fewer_pumps_than_it_may(own_worker):
    assert take(OURS, per_worker=1)
    assert not loop_slots.has_any_pump_slot(per_worker=1, total=0, now=NOON)
    Worker.objects.create(id=OTHERS, host="there", pid=7, pumps=1, started_at=NOON, seen_at=NOON)
    assert loop_slots.has_any_pump_slot(per_worker=1, total=0, now=NOON)
    assert not loop_slots.has_any_pump_slot(per_worker=1, total=1, now=NOON)
    LoopSlot.objects.create(
        kind="pump", number=9, lease=lease_of(OTHERS), lease_until=NOON + MINUTE
    )
    assert not loop_slots.has_any_pump_slot(per_worker=1, total=0, now=NOON)


def test_a_dead_worker_has_no_room(own_worker):
    assert take(OURS, per_worker=1)
    Worker.objects.create(
        id=OTHERS,
        host="there",
        pid=7,
        pumps=1,
        started_at=NOON,
        seen_at=NOON - timedelta(seconds=13),
    )
    assert not loop_slots.has_any_pump_slot(per_worker=1, total=0, now=NOON)


def test_a_lease_of_before_this_version_belongs_to_no_worker(own_worker):
    LoopSlot.objects.create(kind="pump", number=0, lease=uuid4(), lease_until=NOON + MINUTE)
    assert loop_slots.has_local_slot("pump", per_worker=1, total=0, now=NOON)
