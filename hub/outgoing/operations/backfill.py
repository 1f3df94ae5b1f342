"""Backfill: send events that match an endpoint's present routes and were never sent to it."""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from connectors.http import load_json
from hub.connections.models import Connection, Lane
from hub.connections.status.drain_estimate import DeliveryGroup, estimate_drain_seconds
from hub.db.ids import smallest_id_at
from hub.operations.models import Operation
from hub.operations.operation_runner import BatchResult
from hub.outgoing.bulk_deliveries import BULK_JOB, set_aside
from hub.outgoing.models import Delivery, Event, EventBody, Route
from hub.outgoing.operations.estimate import COUNT_LIMIT, OperationEstimate, summarize_connections
from hub.outgoing.queue.ordering import assign_positions
from hub.outgoing.queue.wake import wake_lanes
from hub.outgoing.routing import ActiveSwitches, build_deliveries_for_route, matches_event_type
from hub.outgoing.subscriptions.endpoint_routes import OWN_EVENT_TYPES, load_endpoint_routes


def find_missing_events(
    connection: Connection, routes: Iterable[Route], *, since: datetime
) -> QuerySet[Event]:
    """Select our application's events since a time that routes match, not delivered."""
    existing = Delivery.unscoped.filter(event=OuterRef("pk"), connection=connection)
    events = Event.objects.of(connection.tenant).filter(
        _match_route_patterns(routes), public_id__gte=smallest_id_at(since), origin=None
    )
    return events.exclude(type__in=OWN_EVENT_TYPES).filter(~Exists(existing))


def _match_route_patterns(routes: Iterable[Route]) -> Q:
    patterns = {route.event_type for route in routes}
    if "*" in patterns:
        return Q()
    conditions = (
        Q(type__startswith=pattern[:-1]) if pattern.endswith("*") else Q(type=pattern)
        for pattern in sorted(patterns)
    )
    return reduce(or_, conditions, Q(pk__in=()))


def _enabled_routes_to(connection: Connection) -> list[Route]:
    """Return the enabled routes for events of our own application."""
    routes = load_endpoint_routes(connection)
    return [
        route
        for route in (*routes.own_routes, *routes.shared_routes)
        if route.enabled and route.accepts_origin(None)
    ]


def estimate_backfill(
    connection: Connection, *, since: datetime, now: datetime, limit: int = COUNT_LIMIT
) -> OperationEstimate:
    events = find_missing_events(connection, _enabled_routes_to(connection), since=since)
    counted = list(events.order_by("pk").values_list("pk", "accepted_at")[: limit + 1])
    count = min(len(counted), limit)
    actions = connection.connector.actions[:1] if count else ()
    groups = [DeliveryGroup(connection, action, count, 0) for action in actions]
    facts: dict[str, Any] = {
        "oldest": counted[0][1].isoformat() if counted else None,
        "tenants": 1 if counted else 0,
        "connections": summarize_connections(groups),
        "other_connections": 0,
        "seconds": estimate_drain_seconds(groups, now=now),
        "possibly_delivered": 0,
        "doubles": 0,
        "sample": [],
    }
    first, last = (counted[0][0], counted[-1][0]) if counted else (1, 0)
    return OperationEstimate(count, len(counted) > limit, first - 1, last, facts)


def backfill_batch(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    """Send one batch of an operation; the locked lane prevents that others send an event twice."""
    connections = Connection.objects.of(operation.tenant).filter(
        public_id=operation.filter["connection"]
    )
    connection = connections.select_related("tenant").get()
    Lane.lock(connection.pk)
    routes, since = (
        _enabled_routes_to(connection),
        datetime.fromisoformat(operation.filter["since"]),
    )
    remaining = find_missing_events(connection, routes, since=since).filter(
        pk__gt=operation.cursor, pk__lte=operation.last
    )
    events = list(remaining.order_by("pk")[:size])
    deliveries = _build_backfill_deliveries(connection, routes, events, now=now)
    assign_positions(deliveries)
    set_aside(deliveries, connection, operation.count, now=now)
    Delivery.unscoped.bulk_create(deliveries)
    if any(delivery.state == "waiting" and delivery.reason != BULK_JOB for delivery in deliveries):
        wake_lanes([connection.pk], now=now)
    sent = len({delivery.event_id for delivery in deliveries})
    return BatchResult(events[-1].pk, sent, len(events) - sent) if events else BatchResult(None)


def _build_backfill_deliveries(
    connection: Connection, routes: Iterable[Route], events: Iterable[Event], *, now: datetime
) -> list[Delivery]:
    """Build deliveries as if events were accepted now; those without a stored body are left out."""
    bodies = EventBody.objects.in_bulk([event.pk for event in events])
    tenant, switches = connection.tenant, ActiveSwitches.load()
    assert tenant is not None  # endpoints are connections of tenants
    deliveries: list[Delivery] = []
    for event in events:
        if event.pk not in bodies:
            continue
        document = event.build_document(tenant, load_json(bytes(bodies[event.pk].body))["data"])
        for route in routes:
            if matches_event_type(route.event_type, event.type):
                deliveries += build_deliveries_for_route(
                    tenant, route, [connection], document, switches, now=now
                )
                deliveries[-1].event, deliveries[-1].low_priority = event, True
    return deliveries
