"""A call's result is kept, whatever fails after it; a lane's calls end before its lease."""

from datetime import timedelta

import pytest

from connectors.http import Response
from connectors.outcomes import Outcome
from hub.connections.models import Lane
from hub.outgoing.pump.db_thread import run_with_loop
from hub.outgoing.pump.pacing import MIN_LEAD
from hub.outgoing.pump.types import NotSent, SendResult
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.builders import build_pump_loop

pytestmark = pytest.mark.django_db
URL = "https://example.com/hook"


class ActionWithoutQuota:
    """An action that names a scope which its connector does not declare."""

    batch = 1

    def read(self, response, contents):
        return [Outcome("later", "throttled", after=60.0, free=True, pauses=("no:scope",))]


def test_an_error_after_the_response_loses_no_result_and_ends_the_run(make):
    connection = make.connection()
    for _ in range(6):  # more than may be in flight
        make.delivery(connection)
    pump_loop = build_pump_loop(lambda: NOON)

    async def run():
        (batch,), _ = await pump_loop.claimer.claim_and_prepare()
        batch.requests[0].action = ActionWithoutQuota()
        await pump_loop.lane_sender.serve_lane(batch, FakeHttp(Response(200, at=NOON)))

    run_with_loop(run)
    sender = pump_loop.lane_sender
    assert [type(result) for result in pump_loop.settler.results] == [SendResult] * 6
    assert (len(sender.failures), sender.calls_in_flight) == (1, 0)
    assert pump_loop.has_failed and not pump_loop.settler.finished_lanes


def test_a_slow_endpoint_with_a_quota_delays_no_other_lane(make):
    """Its next call waits for the one before: that is no lateness of the pump, which would book the
    calls to all others further ahead; and the next batch claims what it can send.
    """
    connection = make.connection(settings={"url": URL, "calls_a_second": 50})
    Lane.unscoped.filter(connection=connection).update(in_flight=1)
    for _ in range(3):
        make.delivery(connection)
    now = NOON

    def respond_slowly(request):
        nonlocal now
        now += timedelta(seconds=0.3)
        return Response(200, at=now)

    pump_loop = build_pump_loop(lambda: now)

    async def run():
        (batch,), _ = await pump_loop.claimer.claim_and_prepare()
        await pump_loop.lane_sender.serve_lane(batch, FakeHttp(respond_slowly))

    run_with_loop(run)
    assert [type(result) for result in pump_loop.settler.results] == [SendResult, NotSent]
    assert pump_loop.claimer.lead.lead == MIN_LEAD
    assert pump_loop.claimer.sizing.rounds_for(connection.pk) == 1
