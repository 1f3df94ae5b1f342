"""Conditions of retry, send again, cancel and skip: for one delivery in memory, and as a query."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from django.db.models import Q

from hub.outgoing.insight.explain import match_effective_state, resolve_state_and_reason
from hub.outgoing.models import CANCELLABLE_STATES, FINAL_STATES, RETRYABLE_STATES, Delivery


class Condition(NamedTuple):
    """A condition in two forms, in memory and as a query, which select the same deliveries."""

    is_met: Callable[[Delivery], bool]  # reads the delivery's tenant, connection and lane
    query: Q


def _can_retry(delivery: Delivery) -> bool:
    """Return whether the delivery has stopped, or waits for a later attempt."""
    is_scheduled = delivery.state == "waiting" and delivery.due_at is not None
    return (delivery.state in RETRYABLE_STATES or is_scheduled) and not delivery.tenant.suspended


def _can_send_again(delivery: Delivery) -> bool:
    return delivery.state in FINAL_STATES and delivery.connection_id is not None


def _can_cancel(delivery: Delivery) -> bool:
    return delivery.state in CANCELLABLE_STATES


def _can_skip(delivery: Delivery) -> bool:
    return resolve_state_and_reason(delivery)[0] in ("held", "failed")


CONDITIONS: Mapping[str, Condition] = {  # by action
    "retry": Condition(
        _can_retry,
        (Q(state__in=RETRYABLE_STATES) | Q(state="waiting", due_at__isnull=False))
        & Q(tenant__suspended_at=None),
    ),
    "send_again": Condition(_can_send_again, Q(state__in=FINAL_STATES, connection__isnull=False)),
    "cancel": Condition(_can_cancel, Q(state__in=CANCELLABLE_STATES)),
    "skip": Condition(_can_skip, match_effective_state("held") | match_effective_state("failed")),
}
