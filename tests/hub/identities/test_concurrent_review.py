"""Two people confirm the same pairs while several drains run: each delivery is released once."""

import threading

import pytest
from django.db import connection as database
from django.db import connections

from connectors.directories import Person
from hub.identities.people_store import store_directory_entries
from hub.identities.review.decisions import confirm_identities
from hub.identities.suggest import suggest_identities
from hub.mappings.models import Identity
from hub.outgoing.models import Delivery
from hub.outgoing.release import release_held_deliveries
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.identities.people import SYSTEM
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOON + MINUTE
EVENTS = 6


@pytest.fixture
def connection(make):
    """A connection with deliveries that wait for the pair of Ann, which is suggested."""
    connection = make.connection()
    make.route(connection, body={"owner": "identity('user', data.email)"})
    for _ in range(EVENTS):
        make.event(connection.tenant)
    pump(FakeHttp())
    ann = Person("005A", "Ann Archer", "ann@acme.test")
    store_directory_entries(connection, [ann], kind="user", now=NOON)
    suggest_identities(connection, SYSTEM, now=NOON)
    assert Delivery.unscoped.filter(state="held", reason="identity_missing").count() == EVENTS
    return connection


def run_at_once(*functions):
    """Run functions in threads that begin together; return what they returned."""
    barrier, results = threading.Barrier(len(functions)), []

    def run(function):
        try:
            barrier.wait(20)
            results.append(function())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_each_delivery_is_released_once(connection):
    if database.vendor != "postgresql":
        pytest.skip("one writer at a time")

    def confirm():
        result = confirm_identities(connection, {"ann@acme.test": ""}, SYSTEM, now=LATER)
        return release_held_deliveries(now=LATER) if result.changed else 0

    def drain():
        return release_held_deliveries(now=LATER)

    released = run_at_once(confirm, confirm, drain, drain) + [drain()]
    assert sum(released) == EVENTS
    assert Identity.confirmed().count() == 1
    http = pump(FakeHttp(), at=LATER)
    assert [request.content() for request in http.requests] == [b'{"owner":"005A"}'] * EVENTS
    assert Delivery.unscoped.filter(state="delivered").count() == EVENTS
