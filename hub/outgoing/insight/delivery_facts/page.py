"""The context of a delivery's page, which customers and staff share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hub.outgoing.insight.delivery_facts.last_arrival import compare_with_last_arrival
from hub.outgoing.insight.delivery_facts.phases import find_call_times, measure_phases
from hub.outgoing.insight.explain import (
    explain_delivery,
    readable_deliveries,
    resolve_effective_state,
)
from hub.outgoing.insight.log_rows import LogRow, build_log_row
from hub.outgoing.insight.timeline import build_timeline
from hub.outgoing.models import FINAL_STATES, Delivery
from hub.state_texts import STATE_TONES

MAX_SIBLINGS = 50


def build_status_context(delivery: Delivery) -> dict[str, Any]:
    """Return the context of the part that updates itself: the state and the next attempt."""
    effective_state = resolve_effective_state(delivery)
    return {
        "delivery": delivery,
        "state": effective_state,
        "picture": STATE_TONES[effective_state.state][1],
        "line": build_log_row(delivery),
        "next_try": delivery.due_at if effective_state.state == "waiting" else None,
        "ended": effective_state.state in FINAL_STATES,
        "seen": f"{effective_state.state}.{delivery.attempt_count}",
    }


def build_delivery_context(
    delivery: Delivery, *, with_exchanges: bool, now: datetime
) -> dict[str, Any]:
    """Return the context of the other parts: checks, attempts, phases and siblings.

    Without `with_exchanges` no calls are shown: those on the platform's connection also carry
    messages of other tenants.
    """
    explanation = explain_delivery(delivery, now=now)
    has_arrived = explanation.effective_state.state == "delivered"
    return {
        "checks": [check for check in explanation.checks if check.passed or not has_arrived],
        "cause": None if has_arrived else explanation.first_failed_check,
        "steps": build_timeline(delivery, with_exchanges=with_exchanges),
        "phases": measure_phases(delivery, find_call_times(delivery), now=now),
        "comparison": compare_with_last_arrival(delivery, with_exchanges=with_exchanges),
        "siblings": list_siblings(delivery),
    }


def list_siblings(delivery: Delivery) -> Sequence[LogRow]:
    """List the other deliveries of the same event, which belongs to the same tenant."""
    siblings = readable_deliveries().filter(event=delivery.event_id).exclude(pk=delivery.pk)
    return [build_log_row(sibling) for sibling in siblings.order_by("pk")[:MAX_SIBLINGS]]
