"""Numbers of a webhook arrive at the other end with all of their digits."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.http import Response, load_json
from hub.db.clock import clock
from hub.incoming.models import InboundItem
from hub.outgoing.echo.values import is_same_value
from hub.outgoing.models import Event, EventBody, RememberedWrite
from tests.connectors.recorded import WHSEC
from tests.fakes import FakeHttp
from tests.hub.incoming.test_signed_webhooks import post_standard
from tests.hub.incoming.webhook_posts import run_inbox
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db(transaction=True)
LARGE = 123456789012345678901234567890
PRECISE = "0.12345678901234567890123"
BODY = f"""{{"type": "order.paid", "id": {LARGE}, "amount": {PRECISE}, "price": 19.90,
    "parts": [{{"n": -{LARGE}}}], "huge": 1e400, "last": {2**64 - 1}}}"""
PARSED = {
    "id": str(LARGE),
    "amount": Decimal(PRECISE),
    "price": 19.9,
    "parts": [{"n": f"-{LARGE}"}],
    "huge": "1e400",
    "last": 2**64 - 1,
}


@pytest.fixture
def connection(make):
    return make.connection(
        connector="signed_webhook",
        account="",
        secret={"signing_secret": WHSEC},
        settings={"item_id_path": "id"},
    )


def test_numbers_are_exact_in_the_event_in_the_mapping_and_in_the_delivery(
    client, make, connection
):
    make.route(
        make.connection(connection.tenant),
        event_type="signed_webhook.*",
        origin_connector_key="signed_webhook",
        body={name: f"data.{name}" for name in PARSED} | {"text": "text(data.id)"},
    )
    post_standard(client, connection, BODY)
    run_inbox()
    data = load_json(bytes(EventBody.objects.get(event_id=Event.unscoped.get().pk).body))["data"]
    assert {name: data[name] for name in PARSED} == PARSED
    http = pump(FakeHttp(Response(200)), at=clock() + timedelta(seconds=1))
    (request,) = http.requests
    assert load_json(request.content()) == PARSED | {"text": str(LARGE)}


def test_two_large_ids_that_are_one_as_floats_are_two_items(client, connection):
    for number in range(2):
        post_standard(client, connection, json.dumps({"id": LARGE + number}), id=f"msg_{number}")
    run_inbox()
    keys = set(InboundItem.unscoped.values_list("item_key", flat=True))
    assert keys == {str(LARGE), str(LARGE + 1)}


def test_the_database_stores_large_integers_and_long_decimals_exactly(make):
    """PostgreSQL's jsonb holds them as numeric, SQLite as text."""
    connection = make.connection()
    fields = PARSED | {"float": 0.1, "large": LARGE, "digits": 10**4000}
    RememberedWrite.unscoped.create(
        delivery_id=1,
        connection=connection,
        object="deal",
        fields=fields,
        is_forwarded=False,
        written_at=clock(),
    )
    assert RememberedWrite.unscoped.get().fields == fields


@pytest.mark.parametrize(
    ("written", "received", "is_same"),
    [
        (LARGE, LARGE, True),
        (LARGE, LARGE + 1, False),
        (LARGE, str(LARGE), True),
        (8.5, "8.50", True),
        (PRECISE, PRECISE, True),
        (100, 100.0, True),
    ],
)
def test_large_integers_are_compared_exactly_with_what_was_written(written, received, is_same):
    assert is_same_value(written, received) is is_same
