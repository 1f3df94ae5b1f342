"""A call's result is kept, whatever fails after it; a lane's calls end before its lease."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.http import Response
from connectors.outcomes import Outcome
from hub.egress.errors import RequestWithdrawn
from hub.egress.lookup_pool import lookup_tenant
from hub.egress.send_condition import may_send
from hub.outgoing.pump.lease_keeper import SAFE_LEASE
from hub.outgoing.pump.types import NotSent, SendResult
from hub.processes.db_thread import run_with_loop
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.builders import build_pump_loop

pytestmark = pytest.mark.django_db


class ActionWithoutQuota:
    """An action that names a scope which its connector does not declare."""

    batch_size_max = 1

    def read_outcomes(self, response, contents):
        return [
            Outcome(
                "later", "throttled", after=60.0, costs_no_attempt=True, paused_scopes=("no:scope",)
            )
        ]


def test_an_error_after_the_response_loses_no_result_and_ends_the_run(make):
    connection = make.connection()
    for _ in range(6):  # more than may be in flight
        make.delivery(connection)
    pump_loop = build_pump_loop(lambda: NOON)

    async def run():
        (batch,), _ = await pump_loop.claimer.claim_and_prepare()
        first, *others = batch.requests
        first = replace(first, request=replace(first.request, action=ActionWithoutQuota()))
        batch = replace(batch, requests=[first, *others])
        await pump_loop.lane_sender.serve_lane(batch, FakeHttp(Response(200, at=NOON)))

    run_with_loop(run)
    sender = pump_loop.lane_sender
    assert [type(result) for result in pump_loop.settler.results] == [SendResult] * 6
    assert (len(sender.failures), sender.calls_in_flight) == (1, 0)
    assert pump_loop.has_failed and not pump_loop.settler.finished_lanes


def test_a_call_that_connects_for_longer_than_its_lease_lasts_is_withdrawn(make):
    connection, moment, tenants = make.connection(), [NOON], []
    make.delivery(connection)
    pump_loop = build_pump_loop(lambda: moment[0])

    async def connect_slowly(request):
        """Ask last before the request is written, as the client does."""
        tenants.append(lookup_tenant.get())
        moment[0] += SAFE_LEASE + timedelta(seconds=1)
        if not may_send.get()():
            raise RequestWithdrawn
        return Response(200, at=NOON)

    async def run():
        (batch,), _ = await pump_loop.claimer.claim_and_prepare()
        await pump_loop.lane_sender.serve_lane(batch, connect_slowly)

    run_with_loop(run)
    assert [type(result) for result in pump_loop.settler.results] == [NotSent]
    assert tenants == [connection.tenant_id]
