"""Send the deliveries of repairs by the real actions, without a pump."""

import json
from datetime import datetime

from connectors.schema import Credential, Message
from hub.outgoing.models import Attempt, Delivery
from tests.factories import WHSEC
from tests.hub.scheduled.reconciliation.systems import SimulatedSystem

CREDENTIAL_URLS = {"api": "https://app.example.com/hub"}


def send_delivery(
    delivery: Delivery, body: bytes, system: SimulatedSystem, *, now: datetime
) -> bool:
    """Send one delivery to a system, and store its outcome; return whether it was delivered."""
    action = delivery.connection.connector.action(delivery.route.action)
    input = json.loads(body)["data"]["input"]
    message = Message("msg_1", input, b"", now, tenant=delivery.tenant.reference)
    connection = delivery.connection
    secret = {"access_token": "token", "signing_secret": WHSEC}
    credential = Credential(secret, CREDENTIAL_URLS, settings=connection.settings)
    response = system.answer(action.request([message], credential))
    (outcome,) = action.outcomes(response, [message])
    Attempt.unscoped.create(
        delivery=delivery,
        number=1,
        started_at=now,
        outcome=outcome.kind,
        reference=outcome.reference,
    )
    state = "delivered" if outcome.kind == "delivered" else "failed"
    Delivery.unscoped.filter(pk=delivery.pk).update(
        state=state, reason=outcome.reason, detail=outcome.detail, state_changed_at=now
    )
    return state == "delivered"
