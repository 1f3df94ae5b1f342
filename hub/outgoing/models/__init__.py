"""event -> delivery -> attempt -> exchange, and the route between: the rows of what goes out."""

from hub.outgoing.models.deliveries import (
    DONE,
    STOPPED,
    UNSENT,
    Attempt,
    Delivery,
    Exchange,
    PumpSlot,
    Rendering,
)
from hub.outgoing.models.events import EVENT_TYPE, Event, EventBody, Idempotency, document
from hub.outgoing.models.routes import TYPE_PATTERN, Route

__all__ = [
    "DONE",
    "EVENT_TYPE",
    "STOPPED",
    "TYPE_PATTERN",
    "UNSENT",
    "Attempt",
    "Delivery",
    "Event",
    "EventBody",
    "Exchange",
    "Idempotency",
    "PumpSlot",
    "Rendering",
    "Route",
    "document",
]
