"""Notice channels: connections that receive their tenant's notices as events."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from connectors.roles import Action
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.mappings.models import FieldMapping
from hub.mappings.versions import save_mapping_version
from hub.outgoing.models import Route
from hub.outgoing.subscriptions.endpoint_routes import create_route, is_overlapping
from tenants.models import Tenant, User

NOTICE_PATTERN = "connection.*"  # the type of every notice, as an event
CHANNELS_LIMIT = 200


@dataclass(frozen=True, slots=True)
class NoticeChannel:
    """A connection whose connector has an action for notices."""

    connection: Connection
    enabled: bool
    other_route: Route | None = None  # another route sends notices to it; it is not changed here


def _find_notice_action(connection: Connection) -> Action | None:
    return next((action for action in connection.connector.actions if action.notice_mapping), None)


def list_notice_channels(tenant: Tenant) -> list[NoticeChannel]:
    """Return the channels of the tenant; two statements."""
    connections = (
        Connection.objects.of(tenant)
        .exclude(state="disabled")
        .order_by("name", "pk")[:CHANNELS_LIMIT]
    )
    routes = list(
        Route.objects.of(tenant).filter(enabled=True).filter(Q(tenant=tenant) | Q(tenant=None))
    )
    return [
        build_notice_channel(connection, routes)
        for connection in connections
        if _find_notice_action(connection)
    ]


def build_notice_channel(connection: Connection, routes: Collection[Route]) -> NoticeChannel:
    own_routes = [route for route in routes if route.connection_id == connection.pk]
    shared_routes = [
        route
        for route in routes
        if route.connection_id is None and route.connector_key == connection.connector_key
    ]
    enabled = any(route.event_type == NOTICE_PATTERN for route in own_routes)
    other_routes = [
        route
        for route in (*own_routes, *shared_routes)
        if route.event_type != NOTICE_PATTERN and is_overlapping(route.event_type, NOTICE_PATTERN)
    ]
    return NoticeChannel(connection, enabled, None if enabled else next(iter(other_routes), None))


@transaction.atomic
def set_notice_channels(
    tenant: Tenant,
    connections: Collection[Connection],
    actor: ActorContext,
    *,
    user: User | None,
    now: datetime,
) -> None:
    """Make exactly these connections receive the tenant's notices, and audit each change."""
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    ids = {connection.pk for connection in connections}
    for channel in list_notice_channels(tenant):
        enabled = channel.connection.pk in ids
        if enabled != channel.enabled and channel.other_route is None:
            _enable_notices(channel.connection, enabled, user=user, now=now)
            after = {"notices": enabled}
            actor.audit("connection.notices", channel.connection, after=after, now=now)


def _enable_notices(
    connection: Connection, enabled: bool, *, user: User | None, now: datetime
) -> None:
    routes = Route.unscoped.filter(connection=connection, event_type=NOTICE_PATTERN)
    if not routes.update(enabled=enabled, changed_at=now) and enabled:
        mapping = _create_notice_mapping(connection, user=user, now=now)
        create_route(
            connection, mapping, f"Notices to {connection.name}"[:200], NOTICE_PATTERN, "", now=now
        )


def _create_notice_mapping(
    connection: Connection, *, user: User | None, now: datetime
) -> FieldMapping:
    """Create the mapping that the connector's action suggests for notices."""
    action = _find_notice_action(connection)
    assert action is not None
    mapping = FieldMapping.unscoped.create(
        tenant=connection.tenant,
        name=f"Notices, to {connection.name}"[:200],
        connector_key=connection.connector_key,
        action=action.key,
        created_at=now,
    )
    save_mapping_version(mapping, dict(action.notice_mapping), user=user, now=now)
    return mapping
