"""The pump keeps to quotas: calls in flight over all tenants, one probe after a 429, and no
statement per delivery.
"""

import asyncio
import uuid
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connectors.http import Response
from hub.connections.models import Lane
from hub.outgoing.models import Delivery
from hub.outgoing.pump.loop import run_pump
from hub.outgoing.pump.pacing import MIN_LEAD
from hub.outgoing.pump.types import NotSent, SendResult
from hub.processes import db_thread
from hub.throttle.demand import Demand, ScopeCost
from hub.throttle.models import BackgroundShare, InFlightLease, QuotaState
from hub.throttle.reserve import reserve_calls
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.builders import build_claimer, build_pump_loop
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


class ConcurrencyCounter:
    """The other side, which counts how many calls it has at the same time."""

    def __init__(self):
        self.now = self.most = self.calls = 0

    async def __call__(self, request):
        self.now, self.calls = self.now + 1, self.calls + 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.002)
        self.now -= 1
        return Response(200, at=NOON)

    @asynccontextmanager
    async def outlet(self):
        yield self


@pytest.fixture
def application(make):
    """Our own application, with orders of two tenants waiting."""
    row = make.connection(connector="app", secret={"signing_secret": "whsec_" + "A" * 44})
    make.route(row, action="send_event", body={"type": "type", "data": "data"})
    for tenant in (make.tenant(), make.tenant()):
        for number in range(10):
            make.event(tenant, id=f"{tenant.pk}-{number}")
    return row


def test_our_application_is_never_asked_more_at_a_time_than_it_states(application):
    QuotaState.objects.create(key="app|app||calls", connector_key="app", kind="app", limit=3)
    other = ConcurrencyCounter()
    run_pump(clock=lambda: NOON, open_client=other.outlet, random=lambda: 0, idle_seconds=0)
    assert (other.calls > 0, other.most) == (True, 3)
    assert not InFlightLease.objects.exists()


def test_slots_that_another_pump_holds_are_not_taken(application):
    room = ScopeCost("app|app||calls", application.connector.quotas["app:calls"])
    reserve_calls([Demand((room,), 16)], now=NOON, horizon=SECOND, lease=uuid.UUID(int=7))
    other = ConcurrencyCounter()
    run_pump(clock=lambda: NOON, open_client=other.outlet, random=lambda: 0, idle_seconds=0)
    assert other.calls == 0
    assert set(Delivery.unscoped.values_list("state", "reason", "attempt_count")) == {
        ("waiting", "throttled", 0)
    }


def test_a_429_reopens_with_one_probe_and_then_all_go(make):
    connection = make.connection()
    first = make.delivery(connection)
    for number in range(5):
        make.event(first.tenant, id=str(number))
    closed = FakeHttp(Response(429, headers={"retry-after": "60"}, at=NOON))
    pump(closed)
    again = pump(
        FakeHttp(Response(429, headers={"retry-after": "60"}, at=NOON)), at=NOON + MINUTE + SECOND
    )
    assert len(again.requests) == 1
    pump(opened := FakeHttp(), at=NOON + 3 * MINUTE)
    pump(opened, at=NOON + 3 * MINUTE + 6 * SECOND)
    assert len(opened.requests) == 6
    assert set(Delivery.unscoped.values_list("state", "attempt_count")) == {("delivered", 1)}


class OneLate:
    """Answers the first call well, but not before the second was refused."""

    def __init__(self):
        self.refused, self.calls = asyncio.Event(), 0

    async def __call__(self, request):
        self.calls += 1
        if self.calls == 1:
            await self.refused.wait()
            return Response(200, at=NOON)
        self.refused.set()
        return Response(429, headers={"retry-after": "60"}, at=NOON)

    @asynccontextmanager
    async def outlet(self):
        yield self


class SideBySide:
    """Answers only when it has as many calls as it has answers."""

    def __init__(self, answers):
        self.answers, self.calls, self.full = answers, 0, asyncio.Event()

    async def __call__(self, request):
        answer, self.calls = self.answers[self.calls], self.calls + 1
        if self.calls == len(self.answers):
            self.full.set()
        await self.full.wait()
        return answer

    @asynccontextmanager
    async def outlet(self):
        yield self


def test_a_success_that_was_in_flight_at_a_429_reopens_nothing(make):
    first = make.delivery(make.connection())
    make.event(first.tenant, id="second")
    run_pump(
        clock=lambda: NOON, open_client=(late := OneLate()).outlet, random=lambda: 0, idle_seconds=0
    )
    assert late.calls == 2
    scope = QuotaState.objects.get(is_probing=True)
    assert scope.paused_until == NOON + MINUTE
    assert pump(FakeHttp(), at=NOON + MINUTE / 2).requests == []


def test_a_running_pump_keeps_the_longer_of_two_pauses(make):
    first = make.delivery(make.connection())
    make.event(first.tenant, id="second")
    refusals = [Response(429, headers={"retry-after": wait}, at=NOON) for wait in ("3600", "60")]
    run_pump(
        clock=lambda: NOON,
        open_client=SideBySide(refusals).outlet,
        random=lambda: 0,
        idle_seconds=0,
    )
    assert QuotaState.objects.get(is_probing=True).paused_until == NOON + 60 * MINUTE
    assert pump(FakeHttp(), at=NOON + 2 * MINUTE).requests == []


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("315360000", 86400),
        ("-5", 60),
        ("Wed, 25 Nov 2020 12:00:00 GMT", 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400),
        ("nan", 60),
        ("soon", 60),
        ("", 60),
    ],
)
def test_a_strange_retry_after_is_waited_for_a_day_at_most(make, retry_after, seconds):
    delivery = make.delivery()
    pump(FakeHttp(Response(429, headers={"retry-after": retry_after}, at=NOON)))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count) == ("waiting", 0)
    assert delivery.due_at == NOON + seconds * SECOND


def measure_claim(now=NOON):
    with CaptureQueriesContext(database) as queries:
        batches, _ = db_thread.run_with_loop(build_claimer(lambda: now).claim_and_prepare)
    return len(queries), sum(len(batch.batch.requests) for batch in batches)


def test_a_claim_takes_a_fixed_number_of_statements(make, application):
    few = measure_claim()
    Delivery.unscoped.update(state="waiting", lease=None, attempt_count=0, due_at=NOON)
    Lane.unscoped.update(lease=None, lease_until=None, due_at=NOON)
    for number in range(40):
        make.event(make.tenant(), id=f"more-{number}")
    many = measure_claim(NOON + MINUTE)
    assert many[1] > few[1] > 0
    assert many[0] <= few[0]


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


def test_a_call_that_missed_its_moment_behind_slow_ones_is_booked_again(make, settings):
    settings.HUB_HOST_RATE = (49, 1.0)
    pump_loop = serve_behind_slow_call(make)
    assert [type(result) for result in pump_loop.settler.results] == [SendResult, NotSent]
    assert pump_loop.claimer.sizing.rounds_for(Lane.unscoped.get().pk) == 1  # a smaller batch
    # the pump was in time: the calls of other lanes are booked no further ahead
    assert pump_loop.claimer.lead.lead == MIN_LEAD


def test_calls_are_booked_further_ahead_after_a_pump_was_late(make, settings):
    settings.HUB_HOST_RATE = (49, 1.0)
    pump_loop = serve_behind_slow_call(make, late_by=0.2)
    assert pump_loop.claimer.lead.lead > MIN_LEAD


@pytest.mark.parametrize(("seconds", "second"), [(1, SendResult), (3, NotSent)])
def test_a_call_of_a_rate_with_ample_room_may_wait_behind_slow_ones(
    make, settings, seconds, second
):
    settings.HUB_HOST_RATE = (500, 1.0)
    pump_loop = serve_behind_slow_call(make, seconds=seconds)
    assert [type(result) for result in pump_loop.settler.results] == [SendResult, second]


def serve_behind_slow_call(make, *, seconds=1, late_by=0):
    """Send the two deliveries of a lane with one call in flight; each call takes `seconds`.

    The pump begins `late_by` seconds after it could.
    """
    connection = make.connection()
    Lane.unscoped.update(in_flight=1)
    make.delivery(connection)
    make.event(connection.tenant, id="second")
    clock = Clock()
    pump_loop = build_pump_loop(clock)

    async def slow(request):
        clock.now += seconds * SECOND
        return Response(200)

    async def serve(batch):
        pump_loop.lease_keeper.add_batch(batch)
        await pump_loop.lane_sender.serve_lane(batch, slow)

    batches, _ = db_thread.run_with_loop(pump_loop.claimer.claim_and_prepare)
    clock.now += late_by * SECOND
    db_thread.run_with_loop(lambda: serve(*batches))
    return pump_loop


def test_what_an_operation_set_going_leaves_room_for_what_is_live(make, settings):
    settings.HUB_HOST_RATE = (1, 1.0)
    BackgroundShare.objects.create(quota_name="host", percent=50)
    connection = make.connection()
    make.delivery(connection)
    Delivery.unscoped.update(low_priority=True)
    make.event(connection.tenant, id="live")
    pump(http := FakeHttp(), at=NOON)
    assert len(http.requests) == 1
    assert QuotaState.objects.get(kind="host").low_priority_free_at in (
        None,
        NOON + 2.1 * SECOND + MIN_LEAD,
    )
    late = pump(FakeHttp(), at=NOON + 2 * SECOND)
    assert len(late.requests) == 1
