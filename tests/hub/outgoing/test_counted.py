"""What the pump counts while it works, for the metrics."""

from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from connectors.wire import Response
from hub.outgoing.models import Delivery, PumpSlot
from hub.outgoing.pump import place
from hub.outgoing.pump.drive import MANY, MUCH
from hub.outgoing.pump.drive import pump as drive
from hub.outgoing.pump.leases import new_lease
from hub.outgoing.pump.line import in_database
from hub.tally import by_label
from tests.fakes import FakeHttp
from tests.hub.outgoing.test_pump import pump
from tests.makers import MINUTE, NOON

pytestmark = pytest.mark.django_db


@asynccontextmanager
async def outlet_of_a_pump_that_loses_its_lease():
    async def send(request):
        await in_database(lambda: Delivery.unscoped.update(lease=uuid4()))
        return Response(200)

    yield send


def test_attempts_are_counted_by_outcome(make):
    make.delivery()
    make.delivery()
    pump(FakeHttp([Response(200), Response(500)]))
    assert by_label("attempts") == {"delivered": 1, "later": 1}


def test_an_answer_to_what_somebody_else_holds_by_now_is_a_lost_lease(make):
    delivery = make.delivery()
    drive(clock=lambda: NOON, outlet=outlet_of_a_pump_that_loses_its_lease, random=lambda: 0, stay=0)
    delivery.refresh_from_db()
    assert (delivery.state, by_label("lease_losses")) == ("sending", {"": 1})


def test_what_a_quota_sends_back_is_counted_with_its_wait(make):
    connection = make.connection(connector="slack")
    for _ in range(5):
        make.delivery(connection)
    pump(FakeHttp(Response(200, b'{"ok": true, "channel": "C1", "ts": "1.0"}')))
    waits = by_label("quota_waits")[""]
    assert waits > 0
    assert by_label("quota_wait_ms")[""] > 1000 * waits


def test_what_a_dead_pump_left_is_counted(make):
    delivery = make.delivery()
    Delivery.unscoped.update(state="sending", attempt_count=1)
    lane = delivery.connection.lane
    lane.lease, lane.lease_until = delivery.public_id, NOON - MINUTE
    lane.save()
    pump(FakeHttp())
    assert by_label("crashes") == {"": 1}


@pytest.mark.parametrize(
    ("lanes", "each", "places", "called"), [(MANY, 1, 2, 1), (MANY, 1, 1, 0), (MUCH // 8, 8, 2, 1), (1, 1, 2, 0)]
)
def test_a_pump_that_has_more_than_it_claims_calls_for_another_where_a_place_is_free(
    make, settings, lanes, each, places, called
):
    settings.HUB_PUMPS, settings.HUB_PUMPS_TOTAL = places, 0
    for _ in range(lanes):
        connection = make.connection()
        for _ in range(each):
            make.delivery(connection)
    calls = []
    drive(clock=lambda: NOON, outlet=FakeHttp().outlet, random=lambda: 0, stay=0, again=lambda: calls.append(1))
    assert len(calls) == called


def test_a_place_whose_lease_ended_is_free():
    PumpSlot.objects.create(number=0, lease=new_lease(), lease_until=NOON)
    assert not place.is_free(places=1, total=0, now=NOON - MINUTE)
    assert place.is_free(places=1, total=0, now=NOON)


@pytest.mark.parametrize(("places", "ran"), [(1, False), (2, True)])
def test_a_pump_runs_where_a_place_is_free(settings, places, ran):
    settings.HUB_PUMPS, settings.HUB_PUMPS_TOTAL = places, 0
    PumpSlot.objects.create(number=0, lease=new_lease(), lease_until=NOON + MINUTE)
    assert drive(clock=lambda: NOON, outlet=FakeHttp().outlet, random=lambda: 0, stay=0) is ran
