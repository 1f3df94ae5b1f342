"""Why was this not delivered? One answer for the admin, the API and the portal."""

from hub.outgoing.explain.checks import Check, Explanation, explain
from hub.outgoing.explain.events import explain_event
from hub.outgoing.explain.shown import (
    HELD_BY_TENANT,
    READS_AS_HELD,
    Shown,
    for_reason,
    in_state,
    readable_deliveries,
    shown,
    shown_reason,
    shown_state,
    standing,
    words_of,
)

__all__ = [
    "HELD_BY_TENANT",
    "READS_AS_HELD",
    "Check",
    "Explanation",
    "Shown",
    "explain",
    "explain_event",
    "for_reason",
    "in_state",
    "readable_deliveries",
    "shown",
    "shown_reason",
    "shown_state",
    "standing",
    "words_of",
]
