"""Permissions that active routes of a tenant need at a system, by their newest mappings."""

from django.db.models import OuterRef, Q, Subquery

from connectors.base import Connector
from hub.connections.models import Connection
from hub.mappings.models import MappingVersion
from hub.outgoing.models import Route
from hub.outgoing.routing import matches_event_type
from tenants.models import Tenant


def find_needed_permissions(
    tenant: Tenant, connector: Connector, connection: Connection | None
) -> set[str]:
    """Return the needed permissions that the connector requests; one statement.

    `connection` is the existing connection if one is reconnected.
    """
    newest = (
        MappingVersion.unscoped.filter(mapping=OuterRef("mapping"))
        .order_by("-number")
        .values("body")[:1]
    )
    routes = Route.unscoped.filter(
        Q(tenant=tenant) | Q(tenant=None),
        Q(connection=None) | Q(connection=connection) if connection else Q(connection=None),
        connector_key=connector.key,
        enabled=True,
        killswitch=None,
    )
    actions = {action.key: action for action in connector.actions}
    filled_actions = routes.annotate(inputs=Subquery(newest)).values_list("action", "inputs")
    needed = {
        permission
        for action, inputs in filled_actions
        if action in actions
        for permission in actions[action].needed_permissions(inputs or {})
    }
    return needed & {entry.key for entry in connector.permissions}


def find_incoming_permissions(
    tenant: Tenant, connector: Connector, connection: Connection | None
) -> set[str]:
    """Return the permissions that the system requires to send the events which active routes take.

    One query. `connection` is the existing connection if there is one: a reconnect also asks for
    those of reading what was missed.
    """
    source = connector.webhook_source
    if source is None:
        return set()
    routes = Route.unscoped.filter(
        Q(tenant=tenant) | Q(tenant=None),
        Q(origin=None) | Q(origin=connection) if connection else Q(origin=None),
        origin_connector_key=connector.key,
        enabled=True,
        killswitch=None,
    )
    patterns = set(routes.values_list("event_type", flat=True))
    taken = [
        entry
        for entry in source.event_types
        if any(matches_event_type(pattern, f"{connector.key}.{entry.type}") for pattern in patterns)
    ]
    objects = {source.find_object(entry.type) for entry in taken} if connection else set()
    needed = {permission for entry in taken for permission in entry.permissions}
    read = {key for feed in source.feeds if feed.object in objects for key in feed.permissions}
    return needed | read


def find_missing_incoming_permissions(connection: Connection) -> list[str]:
    """List the permissions that its routes for incoming events need and the account lacks.

    Empty if the granted permissions are unknown. One query, none if the account has granted all of
    them.
    """
    connector = connection.connector
    source, tenant = connector.webhook_source, connection.tenant
    if source is None or tenant is None or connection.permissions is None:
        return []
    granted = set(connection.permissions)
    named = {key for entry in source.event_types for key in entry.permissions}
    if not (missing := {key for key in named if not connector.has_permission(key, granted)}):
        return []
    return sorted(missing & find_incoming_permissions(tenant, connector, connection))
