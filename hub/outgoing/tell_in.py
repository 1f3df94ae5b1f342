"""Where a tenant's people are told of notices beside mail and pages: over connections of theirs, as of any event."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from connectors.base import Action
from hub import audit
from hub.audit import Hand
from hub.connections.models import Connection
from hub.mappings.models import FieldMapping
from hub.mappings.revise import revise
from hub.outgoing.models import Route
from hub.outgoing.subscribe import overlap, route_to
from tenants.models import Tenant, User

NOTICES = "connection.*"  # the type of every notice, as an event
MOST = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A connection that can say a notice."""

    connection: Connection
    on: bool
    by: Route | None = None  # another route by which it hears of them anyhow: that is not changed here


def action_of(connection: Connection) -> Action | None:
    return next((action for action in connection.connector.actions if action.notice), None)


def places(tenant: Tenant) -> list[Place]:
    """Two statements."""
    rows = Connection.objects.of(tenant).exclude(state="disabled").order_by("name", "pk")[:MOST]
    routes = list(Route.objects.of(tenant).filter(enabled=True).filter(Q(tenant=tenant) | Q(tenant=None)))
    return [place(row, routes) for row in rows if action_of(row)]


def place(connection: Connection, routes: Collection[Route]) -> Place:
    own = [route for route in routes if route.connection_id == connection.pk]
    shared = [
        route for route in routes if route.connection_id is None and route.connector_key == connection.connector_key
    ]
    said = any(route.event_type == NOTICES for route in own)
    other = [route for route in (*own, *shared) if route.event_type != NOTICES and overlap(route.event_type, NOTICES)]
    return Place(connection, said, None if said else next(iter(other), None))


@transaction.atomic
def tell_in(tenant: Tenant, wanted: Collection[Connection], hand: Hand, *, by: User | None, now: datetime) -> None:
    """In these from now on, and in no other."""
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    ids = {connection.pk for connection in wanted}
    for there in places(tenant):
        on = there.connection.pk in ids
        if on != there.on and there.by is None:
            switch(there.connection, on, by=by, now=now)
            after = {"notices": on}
            audit.record(
                verb="connection.notices", obj=there.connection, tenant=tenant, after=after, now=now, **hand.said
            )


def switch(connection: Connection, on: bool, *, by: User | None, now: datetime) -> None:
    rows = Route.unscoped.filter(connection=connection, event_type=NOTICES)
    if not rows.update(enabled=on, changed_at=now) and on:
        mapping = mapping_to(connection, by=by, now=now)
        route_to(connection, mapping, f"Notices to {connection.name}"[:200], NOTICES, "", now=now)


def mapping_to(connection: Connection, *, by: User | None, now: datetime) -> FieldMapping:
    """What its action says of a notice; what that asks for is said on the connection's page."""
    action = action_of(connection)
    assert action is not None
    mapping = FieldMapping.unscoped.create(
        tenant=connection.tenant, name=f"Notices, to {connection.name}"[:200],
        connector_key=connection.connector_key, action=action.key, created_at=now,
    )  # fmt: skip
    revise(mapping, dict(action.notice), by=by, now=now)
    return mapping
