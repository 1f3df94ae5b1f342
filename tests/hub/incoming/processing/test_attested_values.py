"""What the hub states in an event's data cannot come from the sender, whatever it sends."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from hub.outgoing.models import EventBody
from tests.connectors.recorded import WHSEC
from tests.connectors.webhook_requests import REQUESTS
from tests.hub.incoming.sources import SOURCES, make_sender
from tests.hub.incoming.test_signed_webhooks import post_standard
from tests.hub.incoming.webhook_posts import run_inbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.corrections(item="3.1")]
ACCOUNTS = {"slack": "T0000ACME", "salesforce": "00D000000000001AAA", "pipedrive": "701"}
CASES = [(key, case) for key in SOURCES for case in REQUESTS[key]]


@pytest.fixture
def foreign(make):
    """Return what another tenant's event would state."""
    connection = make.connection(make.tenant("globex"), connector="webhook", name="foreign")
    return {
        "connection": str(connection.public_id),
        "author": {"id": "U1", "user": "u-1"},
        "item": "01890000-0000-7000-8000-000000000001",
        "read": {"gap": "01890000-0000-7000-8000-000000000002", "from": "", "to": ""},
        "sender_values": {"author": {"user": "u-2"}},
    }


def add_values(request, values):
    """Return the request with these values in each object of its body, as a sender may add them."""
    if request.is_form():
        pairs = {name: json.dumps(value) for name, value in values.items()}
        return replace(request, body=request.body + f"&{urlencode(pairs)}".encode())
    if not request.body.startswith(b"{"):
        return request  # XML of a record: its fields have a name of their own in the data
    document = json.loads(request.body)
    for part in (*filter(lambda part: isinstance(part, dict), document.values()), document):
        part.update(values)
    return replace(request, body=json.dumps(document).encode())


def read_data():
    return json.loads(bytes(EventBody.objects.get().body))["data"]


@pytest.mark.parametrize(("key", "case"), CASES)
def test_no_source_lets_its_sender_state_what_the_hub_states(make, client, key, case, foreign):
    account = ACCOUNTS.get(key, "")
    sender = make_sender(make, client, key, account=account)
    connection = sender.endpoint.connection or make.connection(connector=key, account=account)
    example, _type = REQUESTS[key][case]
    request = add_values(example, foreign)
    signed = sender.sign(request.body, dict(example.headers)["Content-Type"], query=request.query)
    assert sender.send(signed).status_code == 200
    run_inbox()
    data = read_data()
    assert data["connection"] == str(connection.public_id)
    assert "author" not in data and data.get("item") != foreign["item"]


def test_an_author_named_by_the_sender_is_kept_but_is_no_user_of_ours(client, make, foreign):
    secret = {"signing_secret": WHSEC}
    connection = make.connection(connector="signed_webhook", account="", secret=secret, settings={})
    post_standard(client, connection, json.dumps({"type": "a.b", "total": 7} | foreign))
    run_inbox()
    assert read_data() == {
        "type": "a.b",
        "total": 7,
        "connection": str(connection.public_id),
        "sender_values": foreign,
    }
