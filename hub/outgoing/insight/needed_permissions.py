"""Permissions that the active routes of a tenant need at a system, by the newest versions of their
mappings.
"""

from django.db.models import OuterRef, Q, Subquery

from connectors.base import Connector
from hub.connections.models import Connection
from hub.mappings.models import MappingVersion
from hub.outgoing.models import Route
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
