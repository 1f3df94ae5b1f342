"""Which deliveries an operation means: a white list of ways to narrow, each asked in its own words."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from hub.outgoing.insight.explain import (
    EFFECTIVELY_HELD,
    match_effective_reason,
    match_effective_state,
)
from hub.outgoing.models import CANCELLABLE_STATES, FINAL_STATES, RETRYABLE_STATES, Delivery
from tenants.models import Tenant
from tenants.scoping import NO_TENANTS, changeable_condition

# What waits after a failed try, or behind what holds it; what only waits for its turn goes by itself.
WAITING_FOR_RETRY = Q(state="waiting", due_at__isnull=False) & (
    Q(attempt_count__gt=0) | EFFECTIVELY_HELD
)
ALLOWED_DELIVERIES = {  # by kind of operation: the deliveries to which it can be done at all
    "retry": (Q(state__in=RETRYABLE_STATES) | WAITING_FOR_RETRY) & Q(tenant__suspended_at=None),
    "send_again": Q(state__in=FINAL_STATES, connection__isnull=False),
    "cancel": Q(state__in=CANCELLABLE_STATES),
    "skip": match_effective_state("held") | match_effective_state("failed"),
}

OPERATION_FILTERS: Mapping[
    str, Callable[[Any], Q]
] = {  # moments as ISO texts, rows by their public ids
    "state": match_effective_state,
    "reason": match_effective_reason,
    "connector": lambda key: Q(route__connector_key=key),
    "connection": lambda id: Q(connection__public_id=id),
    "route": lambda id: Q(route__public_id=id),
    "event_type": lambda type: Q(event__type=type),
    "since": lambda moment: Q(accepted_at__gte=moment),
    "until": lambda moment: Q(accepted_at__lt=moment),
    "stopped_since": lambda moment: Q(state_changed_at__gte=moment),
    "deliveries": lambda ids: Q(public_id__in=ids),
}


def select_deliveries(
    kind: str, filter: Mapping[str, Any], tenant: Tenant | None, *, includes_platform: bool
) -> QuerySet[Delivery]:
    """The deliveries of this tenant, or of all tenants, that an operation changes.

    Without `includes_platform` only those that the tenant itself may change: over its own connections. Raises
    LookupError where the filter says something else than the WAYS.
    """
    deliveries = Delivery.objects.of(tenant) if tenant else Delivery.unscoped.all()
    if not includes_platform:
        deliveries = deliveries.filter(
            changeable_condition(Delivery, [tenant.pk] if tenant else NO_TENANTS)
        )
    deliveries = deliveries.filter(ALLOWED_DELIVERIES[kind])
    for name, value in filter.items():
        deliveries = deliveries.filter(OPERATION_FILTERS[name](value))
    return deliveries
