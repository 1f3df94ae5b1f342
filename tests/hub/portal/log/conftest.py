"""A delivery in the log, and sixty of them."""

import pytest

from tests.factories import NOON
from tests.hub.outgoing.operating import copy_delivery


@pytest.fixture
def connection(make, acme):
    connection = make.connection(acme, name="Own endpoint")
    make.route(connection, event_type="*")
    return connection


@pytest.fixture
def delivery_row(make, acme, connection):
    event = make.event(acme, id="o-1", data={"number": "A-1001", "customer": {"name": "Zoë"}})
    return event.deliveries.get()


@pytest.fixture
def delivery_rows(delivery_row):
    return [delivery_row, *copy_delivery(delivery_row, 59, state="waiting", due_at=NOON)]
