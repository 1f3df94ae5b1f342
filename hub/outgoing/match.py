"""Which routes an event matches, and the deliveries that follow: two reads for any number of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Q

from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.mappings.translate import compile_filter
from hub.outgoing.models import Delivery, Event, Route
from tenants.models import Tenant

OPEN, HELD, SKIPPED = "waiting", "held", "skipped"

compiled_filter = lru_cache(maxsize=2048)(compile_filter)


def matches(pattern: str, type: str) -> bool:
    """Whether an event type is meant by a pattern: itself, a beginning with .*, or everything by *."""
    return pattern in ("*", type) or (pattern.endswith(".*") and type.startswith(pattern[:-1]))


@dataclass(frozen=True, slots=True)
class Ways:
    """The routes and connections of some tenants, read in two statements."""

    routes: Sequence[Route]
    connections: Sequence[Connection]

    @classmethod
    def of(cls, tenants: set[Tenant]) -> "Ways":
        mine = Q(tenant__in=tenants) | Q(tenant=None)
        return cls(
            list(Route.unscoped.filter(mine, enabled=True).order_by("pk")),
            list(Connection.unscoped.filter(mine).only("pk", "tenant_id", "connector").order_by("pk")),
        )

    def deliveries(self, tenant: Tenant, event: Event, data: Any, *, now: datetime) -> list[Delivery]:
        document = event.document(tenant, data)
        found = []
        for route in self.routes:
            if route.tenant_id in (None, tenant.pk) and matches(route.event_type, event.type):
                state, reason, says = verdict(route, document)
                found += [
                    delivery_of(tenant, route, target, state, reason, says, now=now)
                    for target in self.targets(route, tenant)
                ]
        return found

    def targets(self, route: Route, tenant: Tenant) -> list[Connection | None]:
        """The connections that a route means for a tenant; [None] where there is none yet."""
        owner = None if CONNECTORS[route.connector].platform else tenant.pk
        mine = [row for row in self.connections if row.tenant_id == owner and row.connector == route.connector]
        if route.connection_id:
            mine = [row for row in mine if row.pk == route.connection_id]
        return [*mine] or [None]


def verdict(route: Route, document: Mapping[str, Any]) -> tuple[str, str, str]:
    """The state, reason and words with which a delivery of this route begins."""
    if not route.filter:
        return OPEN, "", ""
    try:
        passes = compiled_filter(route.filter).passes(document)
    except ValueError as error:
        return HELD, "filter_failed", str(error)[:500]
    return (OPEN, "", "") if passes else (SKIPPED, "filtered", f"The filter refused it: {route.filter}"[:500])


def delivery_of(
    tenant: Tenant, route: Route, target: Connection | None, state: str, reason: str, says: str, *, now: datetime
) -> Delivery:
    if state == OPEN and target is None:
        state, reason = HELD, "not_connected"
    elif state == OPEN and tenant.suspended and target is not None and target.tenant_id is None:
        state, reason = HELD, "tenant_suspended"
    delivery = Delivery(
        tenant=tenant,
        route=route,
        connection_id=target and target.pk,
        state=state,
        reason=reason,
        says=says,
        due_at=now if state == OPEN else None,
        accepted_at=now,
        moved_at=now,
    )
    delivery.outward_id = delivery.public_id
    return delivery


def repetition_of(delivery: Delivery, document: Mapping[str, Any], number: int, *, now: datetime) -> Delivery:
    """The same under the same outward id once more, by today's filter; not yet written down."""
    state, reason, says = verdict(delivery.route, document)
    again = delivery_of(delivery.tenant, delivery.route, delivery.connection, state, reason, says, now=now)
    again.event, again.outward_id, again.replay = delivery.event, delivery.outward_id, number
    return again
