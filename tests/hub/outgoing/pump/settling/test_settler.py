"""A result that cannot be stored keeps no other from being stored; no error loses a result."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from connectors.http import Response
from hub.connections.models import Lane
from hub.outgoing.models import Attempt, Delivery, Exchange
from hub.outgoing.pump.loop import run_pump
from hub.outgoing.pump.types import NotSent
from hub.processes.db_thread import in_db_thread, run_with_loop
from hub.processes.loop_slots import is_loop_running
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.metrics.stored_counts import counts_by_label
from tests.hub.outgoing.pump.builders import build_pump_loop
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

UNSTORABLE = 2**70  # a status that no column holds


def answer_by_number(status_by_number):
    def answer(request):
        (number,) = [number for number in status_by_number if number in request.content()]
        return Response(status_by_number[number], at=NOON)

    return answer


def states():
    return list(Delivery.unscoped.order_by("pk").values_list("state", "reason"))


def test_only_the_result_that_cannot_be_stored_is_set_aside(make, caplog):
    connection = make.connection()
    answers = {b'"A"': 200, b'"B"': 200, b'"C"': UNSTORABLE, b'"D"': 200, b'"E"': 500}
    for number in answers:
        make.delivery(connection, data={"number": number.decode().strip('"')})
    pump(FakeHttp(answer_by_number(answers)))
    delivered = ("delivered", "")
    assert states() == [
        delivered,
        delivered,
        ("held", "defect"),
        delivered,
        ("waiting", "status_500"),
    ]
    logged = [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
    assert logged.count("pump.result_set_aside") == 1
    assert counts_by_label("results_set_aside") == {"": 1}
    assert (Attempt.unscoped.count(), Exchange.objects.count()) == (5, 4)
    assert Attempt.unscoped.filter(reason="defect").count() == 1
    assert Lane.unscoped.get().lease is None


def test_a_delivered_message_stays_delivered_without_evidence_that_cannot_be_stored(make):
    delivery = make.delivery()
    pump(FakeHttp(Response(200, headers={"server": "a\0b"}, at=NOON)))  # PostgreSQL refuses NUL
    delivery.refresh_from_db()
    assert (delivery.state, Attempt.unscoped.get().outcome) == ("delivered", "delivered")


def test_an_error_of_no_result_is_raised_and_what_was_not_done_is_retained(make):
    make.delivery()
    pump_loop = build_pump_loop(lambda: NOON)
    settler = pump_loop.settler

    async def settle():
        (batch,), _ = await pump_loop.claimer.claim_and_prepare()
        settler.add_result(NotSent(batch.batch, batch.requests[0].request), None)
        settler.finished_lanes = {"no lane"}
        await settler.settle_pending()

    with pytest.raises(Exception, match="no lane"):
        run_with_loop(settle)
    assert states() == [("waiting", "")]
    assert (settler.results, settler.finished_lanes) == ([], {"no lane"})


def test_an_error_of_ours_in_the_loop_ends_the_run_after_the_calls_in_flight_are_settled(make):
    delivery = make.delivery()
    called = []

    @asynccontextmanager
    async def slow_outlet():
        async def send(request):
            called.append(request)
            while await in_db_thread(lambda: is_loop_running("pump", now=NOON)):
                await asyncio.sleep(0)  # until the run hands its slot over
            return Response(200, at=NOON)

        yield send

    with pytest.raises(ZeroDivisionError):
        run_pump(
            clock=lambda: NOON,
            open_client=slow_outlet,
            random=lambda: 0,
            stopping=lambda: bool(called) and 1 / 0 > 0,
        )
    delivery.refresh_from_db()
    assert (delivery.state, Lane.unscoped.get().lease) == ("delivered", None)


def test_a_background_task_that_failed_is_noticed_and_ends_the_run_loudly(make):
    pump_loop = build_pump_loop(lambda: NOON)

    async def fail():
        raise RuntimeError("a defect")

    async def run():
        settling = asyncio.create_task(pump_loop.settler.settle_until_closed())
        pump_loop.background_tasks = [asyncio.create_task(fail()), settling]
        await asyncio.sleep(0)
        assert pump_loop.must_stop(asyncio.get_running_loop().time())
        try:
            await pump_loop.end_background_tasks()
        finally:
            assert settling.done()

    with pytest.raises(RuntimeError, match="a defect"):
        run_with_loop(run)
