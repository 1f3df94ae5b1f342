"""Send the deliveries of repairs by the real actions, without a pump."""

from dataclasses import replace
from datetime import datetime

from connectors.http import load_json
from connectors.schema import Message
from hub.connections.credentials.connector_context import open_credential
from hub.outgoing.models import Attempt, Delivery
from tests.hub.scheduled.reconciliation.systems import SimulatedSystem

CREDENTIAL_URLS = {"api": "https://app.example.com/hub"}


def send_delivery(
    delivery: Delivery, body: bytes, system: SimulatedSystem, *, now: datetime
) -> bool:
    """Send one delivery to a system, and store its outcome; return whether it was delivered."""
    action = delivery.connection.connector.action(delivery.route.action)
    input = load_json(body)["data"]["input"]
    id = str(delivery.message_uuid)
    message = Message(id, input, b"", now, tenant=delivery.tenant.reference)
    credential = replace(open_credential(delivery.connection, None), urls=CREDENTIAL_URLS)
    response = system.answer(action.request([message], credential))
    (outcome,) = action.outcomes(response, [message])
    Attempt.unscoped.create(
        delivery=delivery,
        number=1,
        started_at=now,
        outcome=outcome.kind,
        reference=outcome.reference,
    )
    is_unknown = outcome.kind == "unknown"
    state = "delivered" if outcome.kind == "delivered" else "held" if is_unknown else "failed"
    Delivery.unscoped.filter(pk=delivery.pk).update(
        state=state, reason=outcome.reason, detail=outcome.detail, state_changed_at=now
    )
    return state == "delivered"
