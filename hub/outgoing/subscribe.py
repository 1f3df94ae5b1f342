"""Which events an own endpoint gets: by routes of its own, and by those that reach every endpoint of the tenant."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from hub.connections.models import Connection, Lane
from hub.mappings.models import FieldMapping
from hub.mappings.revise import revise
from hub.outgoing.match import matches
from hub.outgoing.models import Delivery, Route
from hub.outgoing.publish import publish_to
from hub.queue import ring
from tenants.models import User

TEST = "hub.test"  # the type of a test event
TEST_DATA = {"message": "This is a test. You asked for it on the page of your endpoint."}


class ReachedAlready(Exception):
    """What is chosen reaches the endpoint by another route: it would arrive twice."""

    def __init__(self, pattern: str, route: Route) -> None:
        super().__init__(f"{pattern} would arrive twice: {route.event_type} reaches every endpoint by “{route.name}”.")
        self.pattern, self.route = pattern, route


@dataclass(frozen=True, slots=True)
class Ways:
    """The routes that lead to an endpoint."""

    own: Sequence[Route]
    shared: Sequence[Route]

    @property
    def patterns(self) -> list[str]:
        """What its own routes take."""
        return sorted({route.event_type for route in self.own if route.enabled})

    @property
    def taken(self) -> list[str]:
        """All that reaches it."""
        return sorted({*self.patterns, *(route.event_type for route in self.shared)})

    @property
    def filter(self) -> str:
        return next((route.filter for route in self.own if route.filter), "")


def ways_of(connection: Connection) -> Ways:
    mine = Q(connection=connection) | Q(connection=None, enabled=True, connector_key=connection.connector_key)
    rows = Route.objects.of(connection.tenant).filter(mine).exclude(event_type=TEST).order_by("event_type", "pk")
    own, shared = [], []
    for route in rows:
        (own if route.connection_id else shared).append(route)
    return Ways(own, shared)


def overlap(one: str, other: str) -> bool:
    return matches(one, other) or matches(other, one)


def widest(patterns: Collection[str]) -> list[str]:
    """Without those that another of them takes too."""
    every = sorted(set(patterns))
    return [it for it in every if not any(matches(other, it) for other in every if other != it)]


@transaction.atomic
def subscribe(
    connection: Connection, patterns: Collection[str], *, filter: str = "", by: User | None, now: datetime
) -> list[str]:
    """From now on the endpoint's own routes take these types, through this filter. What is on its way stays there."""
    Connection.unscoped.select_for_update(no_key=True).get(pk=connection.pk)
    ways, wanted = ways_of(connection), widest(patterns)
    for pattern in wanted:
        for route in ways.shared:
            if overlap(pattern, route.event_type):
                raise ReachedAlready(pattern, route)
    for route in ways.own:
        adjust(route, enabled=route.event_type in wanted, filter=filter, now=now)
    missing = set(wanted) - {route.event_type for route in ways.own}
    if missing:
        mapping = mapping_of(connection, by=by, now=now)
        for pattern in sorted(missing):
            route_to(connection, mapping, f"{pattern} to {connection.name}"[:200], pattern, filter, now=now)
    ring("drain", now=now)
    return wanted


def adjust(route: Route, *, enabled: bool, filter: str, now: datetime) -> None:
    if (route.enabled, route.filter) != (enabled, filter):
        route.enabled, route.filter, route.changed_at = enabled, filter, now
        route.save(update_fields=["enabled", "filter", "changed_at"])


def mapping_of(connection: Connection, *, by: User | None, now: datetime) -> FieldMapping:
    """The one that the endpoint's own routes share: it says nothing, so the action's default holds."""
    known = Route.unscoped.filter(connection=connection).select_related("mapping").order_by("pk").first()
    if known:
        return known.mapping
    (action, *_) = connection.connector.actions
    mapping = FieldMapping.unscoped.create(
        tenant=connection.tenant, name=f"The whole event, to {connection.name}"[:200],
        connector_key=connection.connector_key, action=action.key, created_at=now,
    )  # fmt: skip
    revise(mapping, {}, by=by, now=now)
    return mapping


def route_to(
    connection: Connection, mapping: FieldMapping, name: str, pattern: str, filter: str, *, now: datetime
) -> Route:
    return Route.unscoped.create(
        tenant=connection.tenant, name=name, event_type=pattern, filter=filter, connector_key=connection.connector_key,
        connection=connection, action=mapping.action, mapping=mapping, changed_at=now, created_at=now,
    )  # fmt: skip


@transaction.atomic
def send_test(connection: Connection, *, by: User | None, now: datetime) -> Delivery:
    """A test event to this endpoint and no other, on the way of all events."""
    Lane.lock(connection.pk)
    Connection.unscoped.select_for_update(no_key=True).get(pk=connection.pk)
    route = Route.unscoped.filter(connection=connection, event_type=TEST).order_by("pk").first()
    if route is None:
        mapping = mapping_of(connection, by=by, now=now)
        route = route_to(connection, mapping, f"Tests of {connection.name}"[:200], TEST, "", now=now)
    return publish_to(route, connection.tenant, TEST, TEST_DATA, source="portal", now=now)
