"""The event types of signed webhooks, which are named by the sender."""

from connectors.i18n import _
from connectors.webhook_sources import IncomingEventType

# of a body that names no type
MESSAGE_RECEIVED = "message.received"
EVENT_TYPES = (
    IncomingEventType(
        MESSAGE_RECEIVED,
        _(
            "A request arrived. If its body names an event type, the event has that type instead, "
            "such as user.created. The data is the body."
        ),
        {"type": "object"},
        {
            "type": "user.created",
            "timestamp": "2026-11-24T15:11:55Z",
            "data": {"id": "u_1", "name": "Ann Able"},
        },
    ),
)
