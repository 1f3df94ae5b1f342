"""Which deliveries an operation means: a white list of ways to narrow, each asked in its own words."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from hub.outgoing.explain import READS_AS_HELD, for_reason, in_state
from hub.outgoing.models import DONE, STOPPED, UNSENT, Delivery
from tenants.models import Tenant
from tenants.scoping import NOWHERE, changeable

# What waits after a failed try, or behind what holds it; what only waits for its turn goes by itself.
TRIED_LATER = Q(state="waiting", due_at__isnull=False) & (Q(attempt_count__gt=0) | READS_AS_HELD)
POSSIBLE = {  # by kind of operation: the deliveries to which it can be done at all
    "retry": (Q(state__in=STOPPED) | TRIED_LATER) & Q(tenant__suspended_at=None),
    "send_again": Q(state__in=DONE, connection__isnull=False),
    "cancel": Q(state__in=UNSENT),
    "skip": in_state("held") | in_state("failed"),
}

WAYS: Mapping[str, Callable[[Any], Q]] = {  # moments as ISO texts, rows by their public ids
    "state": in_state,
    "reason": for_reason,
    "connector": lambda key: Q(route__connector_key=key),
    "connection": lambda id: Q(connection__public_id=id),
    "route": lambda id: Q(route__public_id=id),
    "event_type": lambda type: Q(event__type=type),
    "since": lambda moment: Q(accepted_at__gte=moment),
    "until": lambda moment: Q(accepted_at__lt=moment),
    "stopped_since": lambda moment: Q(state_changed_at__gte=moment),
    "deliveries": lambda ids: Q(public_id__in=ids),
}


def chosen(
    kind: str, filter: Mapping[str, Any], tenant: Tenant | None, *, includes_platform: bool
) -> QuerySet[Delivery]:
    """The deliveries of this tenant, or of all tenants, that an operation changes.

    Without `includes_platform` only those that the tenant itself may change: over its own connections. Raises
    LookupError where the filter says something else than the WAYS.
    """
    rows = Delivery.objects.of(tenant) if tenant else Delivery.unscoped.all()
    if not includes_platform:
        rows = rows.filter(changeable(Delivery, [tenant.pk] if tenant else NOWHERE))
    rows = rows.filter(POSSIBLE[kind])
    for name, value in filter.items():
        rows = rows.filter(WAYS[name](value))
    return rows
