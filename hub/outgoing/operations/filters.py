"""Filters of operations: the allowed filters, each with its condition."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from hub.outgoing.insight.explain import (
    EFFECTIVELY_HELD,
    match_effective_reason,
    match_effective_state,
)
from hub.outgoing.models import Delivery
from hub.outgoing.operations.conditions import CONDITIONS
from tenants.models import Tenant
from tenants.scoping import NO_TENANTS, changeable_condition

# All but the waiting deliveries without a failed attempt or a hold, which are sent without help.
NEEDS_A_RETRY = ~Q(state="waiting") | Q(attempt_count__gt=0) | EFFECTIVELY_HELD

# By name; times are ISO texts, rows are named by their public ids.
OPERATION_FILTERS: Mapping[str, Callable[[Any], Q]] = {
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


def match_operable(kind: str) -> Q:
    """Match the deliveries to which an operation of this kind can be applied."""
    query = CONDITIONS[kind].query
    return query & NEEDS_A_RETRY if kind == "retry" else query


def select_deliveries(
    kind: str, filter: Mapping[str, Any], tenant: Tenant | None, *, includes_platform: bool
) -> QuerySet[Delivery]:
    """Select the deliveries of this tenant, or of all tenants, that an operation changes.

    Without `includes_platform`, deliveries over the platform's own connections are left out. Raises
    LookupError when the filter has a name that is not in OPERATION_FILTERS.
    """
    deliveries = Delivery.objects.of(tenant) if tenant else Delivery.unscoped.all()
    if not includes_platform:
        deliveries = deliveries.filter(
            changeable_condition(Delivery, [tenant.pk] if tenant else NO_TENANTS)
        )
    deliveries = deliveries.filter(match_operable(kind))
    for name, value in filter.items():
        deliveries = deliveries.filter(OPERATION_FILTERS[name](value))
    return deliveries
