"""Transactions that change a connection and its lane lock the lane first: no deadlock."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection as database
from django.db import connections, transaction

from hub.audit import Actor, ActorContext
from hub.connections.actions import connection_actions
from hub.connections.models import Connection, Lane
from hub.operations.models import Operation
from hub.outgoing.operations.backfill import backfill_batch
from hub.outgoing.subscriptions.endpoint_routes import send_test_event
from tests.factories import MINUTE, NOON

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has one writer at a time"),
]
HAND = ActorContext(Actor("user", "1", "olga@example.com"), request_id="r-1")
WITHIN = 20.0  # seconds


def waits_for_a_lock():
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def beside_a_pump(connection, act):
    """`act` in another transaction, while one holds the lane as a pump that settles does, and then
    turns the state.
    """

    def other():
        try:
            with transaction.atomic():
                act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as crowd:
        with transaction.atomic():
            Lane.lock(connection.pk)
            acting = crowd.submit(other)
            deadline = time.monotonic() + WITHIN
            while not waits_for_a_lock():
                assert not acting.done() and time.monotonic() < deadline
                threading.Event().wait(0.01)
            Connection.unscoped.filter(pk=connection.pk).update(detail="503: try later")
        acting.result(WITHIN)


@pytest.fixture
def connection(make):
    row = make.connection()
    make.route(row)
    return row


def test_a_person_pauses_a_connection_whose_pump_settles(connection):
    beside_a_pump(
        connection,
        lambda: connection_actions.pause_connection(
            connection, "stocktaking", HAND, until=None, now=NOON
        ),
    )
    connection.refresh_from_db()
    assert (connection.state, connection.detail, connection.lane.hold_reason) == (
        "paused",
        "stocktaking",
        "paused",
    )


def test_a_person_resumes_a_connection_whose_pump_settles(connection):
    connection.pause("stocktaking", until=None, now=NOON)
    beside_a_pump(
        connection, lambda: connection_actions.resume_connection(connection, HAND, now=NOON)
    )
    connection.refresh_from_db()
    assert connection.state == "healthy"


def test_a_test_event_goes_to_a_connection_whose_pump_settles(connection):
    beside_a_pump(connection, lambda: send_test_event(connection, HAND, now=NOON))
    assert connection.deliveries.count() == 1


def test_what_is_missing_is_sent_to_a_connection_whose_pump_settles(make, connection):
    event = make.event(connection.tenant, now=NOON)
    connection.deliveries.all().delete()
    filter = {"connection": str(connection.public_id), "since": (NOON - MINUTE).isoformat()}
    operation = Operation(
        tenant=connection.tenant, filter=filter, cursor=event.pk - 1, last=event.pk
    )
    beside_a_pump(connection, lambda: backfill_batch(operation, 10, now=NOON))
    assert connection.deliveries.count() == 1
