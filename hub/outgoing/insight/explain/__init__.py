"""Explanations why a delivery was not sent, shared by the admin, the API and the portal."""

from hub.outgoing.insight.explain.checks import explain_delivery
from hub.outgoing.insight.explain.effective_state import (
    EFFECTIVELY_HELD,
    HELD_BY_TENANT,
    EffectiveState,
    describe_delivery_reason,
    effective_reason_case,
    effective_state_case,
    match_effective_reason,
    match_effective_state,
    readable_deliveries,
    resolve_effective_state,
    resolve_state_and_reason,
)
from hub.outgoing.insight.explain.events import explain_event
from hub.outgoing.insight.explain.results import Check, DeliveryExplanation

__all__ = [
    "HELD_BY_TENANT",
    "EFFECTIVELY_HELD",
    "Check",
    "DeliveryExplanation",
    "EffectiveState",
    "explain_delivery",
    "explain_event",
    "match_effective_reason",
    "match_effective_state",
    "readable_deliveries",
    "resolve_effective_state",
    "effective_reason_case",
    "effective_state_case",
    "resolve_state_and_reason",
    "describe_delivery_reason",
]
