"""A delivery in the log, and sixty of them."""

import pytest

from tests.factories import NOON
from tests.hub.outgoing.operating import many


@pytest.fixture
def connection(make, acme):
    connection = make.connection(acme, name="Own endpoint")
    make.route(connection, event_type="*")
    return connection


@pytest.fixture
def one(make, acme, connection):
    event = make.event(acme, id="o-1", data={"number": "A-1001", "customer": {"name": "Zoë"}})
    return event.deliveries.get()


@pytest.fixture
def sixty(one):
    return [one, *many(one, 59, state="waiting", due_at=NOON)]
