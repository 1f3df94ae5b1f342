"""Routing: find the routes that events match, and build deliveries, in a few queries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.registry import CONNECTORS
from hub.connections.models import DISCONNECTED, Connection, KillSwitch
from hub.db import model_reader
from hub.mappings.compiler_cache import compiled_filter
from hub.outgoing.models import Delivery, Event, Route, matches_event_type
from hub.outgoing.queue.ordering import compute_order_key
from tenants.models import Tenant

WAITING, HELD, SKIPPED = "waiting", "held", "skipped"

ROUTES_SQL = """
SELECT {columns}, EXISTS (
    SELECT 1 FROM connections_killswitch s
    WHERE s.route_id = r.id OR (s.scope = 'tenant' AND s.tenant_id IN ({tenant_ids}))
)
FROM outgoing_route r
WHERE r.enabled AND (r.tenant_id IS NULL OR r.tenant_id IN ({tenant_ids})) ORDER BY r.id
"""
CONNECTIONS_SQL = """
SELECT {columns} FROM connections_connection c
WHERE c.tenant_id IS NULL OR c.tenant_id IN ({tenant_ids}) ORDER BY c.id
"""


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Routes and connections of some tenants, and active kill switches, in a few statements."""

    routes: Sequence[Route]
    connections: Sequence[Connection]
    switches: "ActiveSwitches"
    # tenant and ordered route with deliveries that wait
    unconnected_routes: Collection[tuple[int, int]]

    @classmethod
    def load(cls, tenants: set[Tenant]) -> "RoutingTable":
        tenant_ids = [tenant.pk for tenant in tenants]
        placeholders = ", ".join(["%s"] * len(tenant_ids)) or "NULL"
        route_rows = model_reader.read_models(
            ROUTES_SQL.format(
                columns=model_reader.select_columns(Route, "r"), tenant_ids=placeholders
            ),
            [*tenant_ids, *tenant_ids],
            Route,
        )
        connections = model_reader.read_models(
            CONNECTIONS_SQL.format(
                columns=model_reader.select_columns(Connection, "c"), tenant_ids=placeholders
            ),
            tenant_ids,
            Connection,
        )
        routes = [route for route, _ in route_rows]
        return cls(
            routes,
            [connection for (connection,) in connections],
            ActiveSwitches.load()
            if any(is_switched_off for _, is_switched_off in route_rows)
            else ActiveSwitches(),
            _find_unconnected_routes([route for route in routes if route.ordered]),
        )

    def build_deliveries(
        self, tenant: Tenant, event: Event, data: Any, *, now: datetime
    ) -> list[Delivery]:
        document = event.build_document(tenant, data)
        deliveries = []
        for route in self.routes:
            if (
                route.tenant_id in (None, tenant.pk)
                and matches_event_type(route.event_type, event.type)
                and route.accepts_origin(event.origin)
            ):
                targets = (
                    [None]
                    if (tenant.pk, route.pk) in self.unconnected_routes
                    else self.find_targets(route, tenant, origin=event.origin)
                )
                deliveries += build_deliveries_for_route(
                    tenant, route, targets, document, self.switches, now=now
                )
        return deliveries

    def find_targets(
        self, route: Route, tenant: Tenant, *, origin: Connection | None = None
    ) -> list[Connection | None]:
        """Return the connections of a route for a tenant; [None] if there is none yet.

        An event is not sent to the connection that it came from, unless the action is a reply.
        """
        owner = None if CONNECTORS[route.connector_key].is_for_platform else tenant.pk
        connections = [
            connection
            for connection in self.connections
            if connection.tenant_id == owner and connection.connector_key == route.connector_key
        ]
        if route.connection_id:
            connections = [
                connection for connection in connections if connection.pk == route.connection_id
            ]
        if origin in connections and not is_reply(route):
            return [connection for connection in connections if connection != origin]
        return [*connections] or [None]


def is_reply(route: Route) -> bool:
    """Return whether the route's action answers in the system that an event came from."""
    return CONNECTORS[route.connector_key].action(route.action).is_reply


def evaluate_filter(route: Route, document: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the initial state, reason and detail of a delivery of this route."""
    if not route.filter:
        return WAITING, "", ""
    try:
        passes = compiled_filter(route.filter).passes(dict(document))
    except ValueError as error:
        return HELD, "filter_failed", str(error)[:500]
    return (
        (WAITING, "", "")
        if passes
        else (SKIPPED, "filtered", f"The filter rejected it: {route.filter}"[:500])
    )


def build_deliveries_for_route(
    tenant: Tenant,
    route: Route,
    targets: Sequence[Connection | None],
    document: Mapping[str, Any],
    switches: "ActiveSwitches",
    *,
    now: datetime,
) -> list[Delivery]:
    """Build the deliveries of this route for an event: one for each target."""
    outcome, order_key = evaluate_filter(route, document), compute_order_key(route, document)
    deliveries = []
    for target in targets:
        block = switches.find_block(tenant, route, target) if outcome[0] == WAITING else None
        deliveries.append(
            _build_delivery(
                tenant, route, target, *(block or outcome), order_key=order_key, now=now
            )
        )
    return deliveries


def _build_delivery(
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
        due_at=now if state == WAITING else None,
        expires_at=now + timedelta(seconds=route.expires_after)
        if route.expires_after is not None
        else None,
        accepted_at=now,
        state_changed_at=now,
    )
    delivery.message_uuid = delivery.public_id
    return delivery


def build_replay(
    delivery: Delivery, document: Mapping[str, Any], number: int, *, now: datetime
) -> Delivery:
    """Build a delivery with the same message id, by the current filter; it is not stored yet."""
    outcome, order_key = (
        evaluate_filter(delivery.route, document),
        compute_order_key(delivery.route, document),
    )
    if outcome[0] == WAITING:
        outcome = (
            ActiveSwitches().find_block(delivery.tenant, delivery.route, delivery.connection)
            or outcome
        )
    replay = _build_delivery(
        delivery.tenant, delivery.route, delivery.connection, *outcome, order_key=order_key, now=now
    )
    replay.event, replay.message_uuid, replay.replay_number = (
        delivery.event,
        delivery.message_uuid,
        number,
    )
    return replay


@dataclass(frozen=True, slots=True)
class ActiveSwitches:
    """Kill switches of single deliveries: of a route, or of a tenant on platform connections."""

    routes: Collection[int] = ()
    tenants: Collection[int] = ()

    @classmethod
    def load(cls) -> "ActiveSwitches":
        switches = list(
            KillSwitch.unscoped.filter(scope__in=("route", "tenant")).values_list(
                "route", "tenant", "scope"
            )
        )
        return cls(
            {route for route, _, scope in switches if scope == "route"},
            {tenant for _, tenant, scope in switches if scope == "tenant"},
        )

    def find_block(
        self, tenant: Tenant, route: Route, target: Connection | None
    ) -> tuple[str, str, str] | None:
        """Return the state, reason and detail if a delivery may not be sent, else None."""
        if target is None:
            return HELD, "not_connected", ""
        if target.is_disconnected and not target.keeps_events:
            return SKIPPED, DISCONNECTED, ""
        if route.pk in self.routes:
            return HELD, "route_off", ""
        if target.tenant_id is None and tenant.suspended:
            return HELD, "tenant_suspended", ""
        if target.tenant_id is None and tenant.pk in self.tenants:
            return HELD, "switched_off", ""
        return None


def _find_unconnected_routes(ordered_routes: Sequence[Route]) -> Collection[tuple[int, int]]:
    if not ordered_routes:
        return ()
    held_deliveries = Delivery.unscoped.filter(
        route__in=ordered_routes, connection=None, state="held"
    )
    return set(held_deliveries.values_list("tenant_id", "route_id").distinct())
