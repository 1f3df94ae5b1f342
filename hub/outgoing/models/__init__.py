"""Models of outgoing events: event -> delivery -> attempt -> exchange, and the routes between."""

from hub.outgoing.models.deliveries import (
    CANCELLABLE_STATES,
    FINAL_STATES,
    RETRYABLE_STATES,
    Attempt,
    Delivery,
    Exchange,
    Rendering,
)
from hub.outgoing.models.event_values import EventValue, ValueIndexPosition
from hub.outgoing.models.events import (
    EVENT_TYPE,
    Event,
    EventBody,
    Idempotency,
    ReceivedDataErasure,
    build_event_document,
)
from hub.outgoing.models.remembered_writes import RememberedWrite
from hub.outgoing.models.routes import TYPE_PATTERN, Route, matches_event_type

__all__ = [
    "FINAL_STATES",
    "EVENT_TYPE",
    "RETRYABLE_STATES",
    "TYPE_PATTERN",
    "CANCELLABLE_STATES",
    "Attempt",
    "Delivery",
    "Event",
    "EventBody",
    "EventValue",
    "Exchange",
    "Idempotency",
    "ReceivedDataErasure",
    "RememberedWrite",
    "Rendering",
    "Route",
    "ValueIndexPosition",
    "build_event_document",
    "matches_event_type",
]
