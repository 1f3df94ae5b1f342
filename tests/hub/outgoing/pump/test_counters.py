"""What the pump counts while it works, for the metrics."""

from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from connectors.http import Response
from hub.outgoing.models import Delivery
from hub.outgoing.pump.loop import MANY_LANES, MANY_REQUESTS, run_pump
from hub.processes import loop_slots
from hub.processes.db_thread import in_db_thread
from hub.processes.leases import new_lease
from hub.processes.loop_slots import LoopSlot
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.metrics.stored_counts import counts_by_label
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db


@asynccontextmanager
async def outlet_of_a_pump_that_loses_its_lease():
    async def send(request):
        await in_db_thread(lambda: Delivery.unscoped.update(lease=uuid4()))
        return Response(200)

    yield send


def test_attempts_are_counted_by_outcome(make):
    make.delivery()
    make.delivery()
    pump(FakeHttp([Response(200), Response(500)]))
    assert counts_by_label("attempts") == {"delivered": 1, "later": 1}


def test_a_response_for_a_delivery_that_another_pump_holds_is_a_lost_lease(make):
    delivery = make.delivery()
    run_pump(
        clock=lambda: NOON,
        open_client=outlet_of_a_pump_that_loses_its_lease,
        random=lambda: 0,
        idle_seconds=0,
    )
    delivery.refresh_from_db()
    assert (delivery.state, counts_by_label("lease_losses")) == ("sending", {"": 1})


def test_what_a_quota_sends_back_is_counted_with_its_wait(make):
    connection = make.connection(connector="slack")
    for _ in range(5):
        make.delivery(connection)
    pump(FakeHttp(Response(200, b'{"ok": true, "channel": "C1", "ts": "1.0"}')))
    waits = counts_by_label("quota_waits")[""]
    assert waits > 0
    assert counts_by_label("quota_wait_ms")[""] > 1000 * waits


def test_what_a_dead_pump_left_is_counted(make):
    delivery = make.delivery()
    Delivery.unscoped.update(state="sending", attempt_count=1)
    lane = delivery.connection.lane
    lane.lease, lane.lease_until = delivery.public_id, NOON - MINUTE
    lane.save()
    pump(FakeHttp())
    assert counts_by_label("crashes") == {"": 1}


@pytest.mark.parametrize(
    ("lanes", "each", "slots", "called"),
    [(MANY_LANES, 1, 2, 1), (MANY_LANES, 1, 1, 0), (MANY_REQUESTS // 8, 8, 2, 1), (1, 1, 2, 0)],
)
def test_a_pump_that_has_more_than_it_claims_calls_for_another_where_a_slot_is_free(
    make, settings, lanes, each, slots, called
):
    settings.HUB_PUMPS, settings.HUB_PUMPS_TOTAL = slots, 0
    for _ in range(lanes):
        connection = make.connection()
        for _ in range(each):
            make.delivery(connection)
    calls = []
    run_pump(
        clock=lambda: NOON,
        open_client=FakeHttp().outlet,
        random=lambda: 0,
        idle_seconds=0,
        start_another=lambda: calls.append(1),
    )
    assert len(calls) == called


def test_a_place_whose_lease_ended_is_free():
    LoopSlot.objects.create(kind="pump", number=0, lease=new_lease(), lease_until=NOON)
    assert not loop_slots.has_any_pump_slot(per_worker=1, total=0, now=NOON - MINUTE)
    assert loop_slots.has_any_pump_slot(per_worker=1, total=0, now=NOON)


@pytest.mark.parametrize(("slots", "ran"), [(1, False), (2, True)])
def test_a_pump_runs_where_a_slot_is_free(settings, slots, ran):
    settings.HUB_PUMPS, settings.HUB_PUMPS_TOTAL = slots, 0
    LoopSlot.objects.create(kind="pump", number=0, lease=new_lease(), lease_until=NOON + MINUTE)
    assert (
        run_pump(
            clock=lambda: NOON, open_client=FakeHttp().outlet, random=lambda: 0, idle_seconds=0
        )
        is ran
    )
