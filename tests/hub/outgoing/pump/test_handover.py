"""A pump that leaves while answers are still on their way writes down every one of them."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from django.db import connection as database

from connectors.http import Response
from hub.outgoing.models import Attempt
from hub.outgoing.pump.loop import run_pump
from hub.processes.db_thread import in_db_thread
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@asynccontextmanager
async def slow_outlet():
    async def send(request):
        await asyncio.sleep(0.05)  # longer than the pump stays
        return Response(200)

    yield send


def test_an_answer_that_comes_as_the_pump_leaves_is_written_down(make):
    delivery = make.delivery()
    run_pump(clock=lambda: NOON, open_client=slow_outlet, random=lambda: 0, run_seconds=0.01)
    delivery.refresh_from_db()
    assert (delivery.state, Attempt.unscoped.get().outcome) == ("delivered", "delivered")


@asynccontextmanager
async def outlet_that_breaks_the_line_to_the_database():
    async def send(request):
        await in_db_thread(lambda: database.connection.close())
        return Response(200)

    yield send


@pytest.mark.skipif(database.vendor == "sqlite", reason="it is in this process")
@pytest.mark.django_db(transaction=True)
def test_a_line_to_the_database_that_broke_is_replaced_and_the_answer_written_down(make):
    delivery = make.delivery()
    run_pump(
        clock=lambda: NOON,
        open_client=outlet_that_breaks_the_line_to_the_database,
        random=lambda: 0,
        run_seconds=0.01,
    )
    delivery.refresh_from_db()
    assert (delivery.state, Attempt.unscoped.get().outcome) == ("delivered", "delivered")
