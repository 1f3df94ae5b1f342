"""Which routes an event matches, and the deliveries that follow: a few reads for any number of events."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from connectors.registry import CONNECTORS
from hub import rows
from hub.connections.models import DISCONNECTED, Connection, KillSwitch
from hub.mappings.translate import compile_filter
from hub.outgoing.models import Delivery, Event, Route
from hub.outgoing.order import key_of
from tenants.models import Tenant

OPEN, HELD, SKIPPED = "waiting", "held", "skipped"

ROUTES = """
SELECT {columns}, EXISTS (
    SELECT 1 FROM connections_killswitch s WHERE s.route_id = r.id OR (s.scope = 'tenant' AND s.tenant_id IN ({mine}))
)
FROM outgoing_route r WHERE r.enabled AND (r.tenant_id IS NULL OR r.tenant_id IN ({mine})) ORDER BY r.id
"""
CONNECTIONS = """
SELECT {columns} FROM connections_connection c WHERE c.tenant_id IS NULL OR c.tenant_id IN ({mine}) ORDER BY c.id
"""

compiled_filter = lru_cache(maxsize=2048)(compile_filter)


def matches(pattern: str, type: str) -> bool:
    """Whether an event type is meant by a pattern: itself, a beginning with .*, or everything by *."""
    return pattern in ("*", type) or (pattern.endswith(".*") and type.startswith(pattern[:-1]))


@dataclass(frozen=True, slots=True)
class Ways:
    """The routes and connections of some tenants, and what is off; read in a fixed number of statements."""

    routes: Sequence[Route]
    connections: Sequence[Connection]
    off: "Off"
    unattached: Collection[tuple[int, int]]  # by tenant and ordered route: what waits for a connection goes first

    @classmethod
    def of(cls, tenants: set[Tenant]) -> "Ways":
        mine = [tenant.pk for tenant in tenants]
        marks = ", ".join(["%s"] * len(mine)) or "NULL"
        found = rows.read(ROUTES.format(columns=rows.columns(Route, "r"), mine=marks), [*mine, *mine], Route)
        connections = rows.read(CONNECTIONS.format(columns=rows.columns(Connection, "c"), mine=marks), mine, Connection)
        routes = [route for route, _ in found]
        return cls(
            routes,
            [connection for (connection,) in connections],
            Off.now() if any(concerned for _, concerned in found) else Off(),
            unattached([route for route in routes if route.ordered]),
        )

    def deliveries(self, tenant: Tenant, event: Event, data: Any, *, now: datetime) -> list[Delivery]:
        document = event.document(tenant, data)
        found = []
        for route in self.routes:
            if route.tenant_id in (None, tenant.pk) and matches(route.event_type, event.type):
                targets = [None] if (tenant.pk, route.pk) in self.unattached else self.targets(route, tenant)
                found += begun(tenant, route, targets, document, self.off, now=now)
        return found

    def targets(self, route: Route, tenant: Tenant) -> list[Connection | None]:
        """The connections that a route means for a tenant; [None] where there is none yet."""
        owner = None if CONNECTORS[route.connector_key].platform else tenant.pk
        mine = [row for row in self.connections if row.tenant_id == owner and row.connector_key == route.connector_key]
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


def begun(
    tenant: Tenant,
    route: Route,
    targets: Sequence[Connection | None],
    document: Mapping[str, Any],
    off: "Off",
    *,
    now: datetime,
) -> list[Delivery]:
    """What this route makes of an event: a delivery to each target."""
    said, key = verdict(route, document), key_of(route, document)
    found = []
    for target in targets:
        instead = off.instead(tenant, route, target) if said[0] == OPEN else None
        found.append(delivery_of(tenant, route, target, *(instead or said), order_key=key, now=now))
    return found


def delivery_of(
    tenant: Tenant,
    route: Route,
    target: Connection | None,
    state: str,
    reason: str,
    detail: str,
    *,
    order_key: str,
    now: datetime,
) -> Delivery:
    delivery = Delivery(
        tenant=tenant,
        route=route,
        connection=target,
        state=state,
        reason=reason,
        detail=detail,
        order_key=order_key,
        due_at=now if state == OPEN else None,
        expires_at=now + timedelta(seconds=route.expires_after) if route.expires_after is not None else None,
        accepted_at=now,
        state_changed_at=now,
    )
    delivery.message_uuid = delivery.public_id
    return delivery


def repetition_of(delivery: Delivery, document: Mapping[str, Any], number: int, *, now: datetime) -> Delivery:
    """The same under the same outward id once more, by today's filter; not yet written down."""
    told, key = verdict(delivery.route, document), key_of(delivery.route, document)
    if told[0] == OPEN:
        told = Off().instead(delivery.tenant, delivery.route, delivery.connection) or told
    again = delivery_of(delivery.tenant, delivery.route, delivery.connection, *told, order_key=key, now=now)
    again.event, again.message_uuid, again.replay_number = delivery.event, delivery.message_uuid, number
    return again


@dataclass(frozen=True, slots=True)
class Off:
    """What rows of their own are held for: a route that is off, and a tenant on the platform's own connections."""

    routes: Collection[int] = ()
    tenants: Collection[int] = ()

    @classmethod
    def now(cls) -> "Off":
        off = list(KillSwitch.unscoped.filter(scope__in=("route", "tenant")).values_list("route", "tenant", "scope"))
        return cls(
            {route for route, _, scope in off if scope == "route"},
            {tenant for _, tenant, scope in off if scope == "tenant"},
        )

    def instead(self, tenant: Tenant, route: Route, target: Connection | None) -> tuple[str, str, str] | None:
        """How a delivery begins that may not go."""
        if target is None:
            return HELD, "not_connected", ""
        if target.disconnected and not target.keeps_events:
            return SKIPPED, DISCONNECTED, ""
        if route.pk in self.routes:
            return HELD, "route_off", ""
        if target.tenant_id is None and tenant.suspended:
            return HELD, "tenant_suspended", ""
        if target.tenant_id is None and tenant.pk in self.tenants:
            return HELD, "switched_off", ""
        return None


def unattached(ordered: Sequence[Route]) -> Collection[tuple[int, int]]:
    if not ordered:
        return ()
    waiting = Delivery.unscoped.filter(route__in=ordered, connection=None, state="held")
    return set(waiting.values_list("tenant_id", "route_id").distinct())
