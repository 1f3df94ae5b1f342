"""Calls in flight are counted over all pumps, and no room outlives its holder."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection as database

from connectors.http import InFlight
from hub.throttle import in_flight_leases
from hub.throttle.background_shares import change_background_share
from hub.throttle.demand import Demand, ScopeCost
from hub.throttle.models import InFlightLease, QuotaState
from hub.throttle.reserve import reserve_calls
from tests.factories import MINUTE, NOON

APP = ScopeCost("app|app||calls", InFlight(16))
ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def reserve_app_calls(lease, *, scope=APP, calls=100, at_once=12, now=NOON, low_priority=False):
    (answer,) = reserve_calls(
        [Demand((scope,), calls, at_once, low_priority=low_priority)],
        now=now,
        horizon=timedelta(0),
        lease=lease,
    )
    return answer


@pytest.mark.django_db
def test_two_pumps_share_the_room_of_one_scope():
    assert [
        reserve_app_calls(ONE).max_in_flight,
        reserve_app_calls(OTHER).max_in_flight,
        reserve_app_calls(OTHER).max_in_flight,
    ] == [12, 4, 0]
    assert reserve_app_calls(OTHER).call_times == ()
    assert reserve_app_calls(OTHER).next_at > NOON


@pytest.mark.django_db
def test_calls_that_take_turns_in_their_room_all_go():
    assert len(reserve_app_calls(ONE, calls=100, at_once=12).call_times) == 100


@pytest.mark.django_db
def test_what_has_ended_makes_room(django_assert_num_queries):
    reserve_app_calls(ONE)
    with django_assert_num_queries(1):
        in_flight_leases.release_calls(ONE, {APP.key: 12})
    assert reserve_app_calls(OTHER, at_once=16).max_in_flight == 16


@pytest.mark.django_db
def test_what_has_ended_in_one_scope_makes_no_room_in_another():
    other = ScopeCost("app|other||calls", InFlight(16))
    reserve_app_calls(ONE)
    reserve_app_calls(ONE, scope=other)
    in_flight_leases.release_calls(ONE, {APP.key: 12})
    assert reserve_app_calls(OTHER, scope=other).max_in_flight == 4


@pytest.mark.django_db
def test_the_room_of_a_dead_pump_is_free_when_its_lease_ends():
    reserve_app_calls(ONE, at_once=16)
    in_flight_leases.extend_in_flight_leases(ONE, now=NOON + timedelta(seconds=36))
    assert reserve_app_calls(OTHER, now=NOON + 0.9 * MINUTE).max_in_flight == 0
    assert reserve_app_calls(OTHER, now=NOON + MINUTE).max_in_flight == 12
    in_flight_leases.delete_expired_in_flight_leases(now=NOON + 2 * MINUTE)
    assert not InFlightLease.objects.exists()


@pytest.mark.django_db
def test_a_pump_that_lost_its_lease_gives_back_no_more_than_it_has():
    reserve_app_calls(ONE)
    in_flight_leases.delete_expired_in_flight_leases(now=NOON + MINUTE)
    reserve_app_calls(ONE, at_once=4, now=NOON + MINUTE)
    in_flight_leases.release_calls(ONE, {APP.key: 16})
    assert InFlightLease.objects.get().count == 0


@pytest.mark.corrections(item="3.8")
@pytest.mark.django_db
def test_a_pump_counts_its_own_calls_also_after_its_lease_expired():
    assert reserve_app_calls(ONE).max_in_flight == 12
    late = NOON + MINUTE
    assert reserve_app_calls(ONE, now=late).max_in_flight == 4
    in_flight_leases.release_calls(ONE, {APP.key: 12})
    assert reserve_app_calls(OTHER, at_once=16, now=late).max_in_flight == 12


@pytest.mark.django_db
def test_background_work_leaves_room_for_live_work():
    change_background_share(QuotaState(key=APP.key, connector_key="app", kind="app"), 75)
    assert reserve_app_calls(ONE, at_once=16, low_priority=True).max_in_flight == 12
    assert reserve_app_calls(OTHER, at_once=16).max_in_flight == 4


@pytest.mark.django_db
def test_calls_that_do_not_go_take_no_room():
    QuotaState.objects.create(
        key=APP.key, connector_key="app", kind="app", paused_until=NOON + MINUTE
    )
    assert (reserve_app_calls(ONE).call_times, InFlightLease.objects.count()) == ((), 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    database.vendor != "postgresql", reason="SQLite has one writer at a time, and one pump"
)
def test_four_pumps_at_the_same_moment_never_hold_more_than_there_is():
    held, most, lock = 0, 0, threading.Lock()

    def pump(lease):
        nonlocal held, most
        for _ in range(12):
            room = reserve_app_calls(lease, at_once=7).max_in_flight
            with lock:
                held += room
                most = max(most, held)
            with lock:
                held -= room
            if room:
                in_flight_leases.release_calls(lease, {APP.key: room})
        database.close()

    pumps = [threading.Thread(target=pump, args=(uuid.UUID(int=number),)) for number in range(1, 5)]
    for thread in pumps:
        thread.start()
    for thread in pumps:
        thread.join()
    assert 0 < most <= 16
    assert sum(InFlightLease.objects.values_list("count", flat=True)) == 0
