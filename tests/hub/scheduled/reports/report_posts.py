"""Orders to report, and the message of a report at Slack."""

import json
from datetime import UTC

from connectors.registry import CONNECTORS
from connectors.schema import Message
from hub.mappings.translate import compile_mapping, translate
from hub.outgoing.models import EventBody
from tests.factories import NOON
from tests.hub.scheduled.sandbox_run import send
from tests.sandbox.test_connectors import key_for

WITH_FILES = "chat:write,chat:write.public,channels:read,files:write"


def place_orders(desk, *totals, currency="EUR", tenant="acme"):
    for total in totals:
        order = {"tenant": tenant, "customer": "Ann", "email": "a@acme.test", "currency": currency}
        items = [{"name": "a thing", "quantity": 1, "price": total}]
        answer = desk.post("/app/api/orders", json={**order, "items": items})
        assert answer.status_code < 300, answer.text


def body_of(delivery):
    return json.loads(bytes(EventBody.objects.get(pk=delivery.event_id).body))["data"]


def post(desk, delivery):
    """Send the delivery to the sandbox's Slack, and return the page of the channel."""
    outcome = try_to_post(desk, delivery)
    assert outcome.kind == "delivered", outcome
    return desk.get("/slack/T0000ACME/C0000ORD1").text


def try_to_post(desk, delivery):
    """Send the delivery to the sandbox's Slack, as its mapping makes it."""
    desk.now += 60
    document = {"id": "1", "type": "report.finished", "data": body_of(delivery)}
    mapping = compile_mapping(delivery.route.mapping.current.body)
    body = translate(mapping, document, zone=UTC, look_up_identity=lambda kind, id: None)
    action = CONNECTORS["slack"].action("post_message")
    assert action.find_body_problem(body) == ""
    sent = Message("id-1", body, b"", NOON)
    (outcome,) = action.read_outcomes(send(action.request([sent], key_for(desk, "slack"))), [sent])
    return outcome
