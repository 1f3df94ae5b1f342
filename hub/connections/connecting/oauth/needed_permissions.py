"""Permissions that a tenant's routes need, by a function of `hub.outgoing`."""

from collections.abc import Callable, Iterable

from connectors.base import Connector
from hub.connections.models import Connection
from hub.hooks import Hook
from tenants.models import Tenant

PermissionFinder = Callable[[Tenant, Connector, Connection | None], set[str]]
ROUTE_PERMISSIONS: Hook[PermissionFinder] = Hook()  # that the tenant's routes need
INCOMING_PERMISSIONS: Hook[PermissionFinder] = Hook()  # that its routes for received events need


def find_needed_permissions(
    tenant: Tenant, connector: Connector, connection: Connection | None
) -> set[str]:
    return ROUTE_PERMISSIONS.function(tenant, connector, connection)


def find_incoming_permissions(
    tenant: Tenant, connector: Connector, connection: Connection | None
) -> set[str]:
    """Return the permissions that routes for events of the account need.

    They are requested, but an account without them is connected: it keeps sending.
    """
    return INCOMING_PERMISSIONS.function(tenant, connector, connection)


def find_missing_permissions(
    tenant: Tenant,
    connector: Connector,
    connection: Connection | None,
    granted: Iterable[str] | None,
) -> tuple[str, ...]:
    """List permissions that routes need and the account did not grant.

    Empty if the granted permissions are unknown.
    """
    if granted is None:
        return ()
    granted_keys = set(granted)
    needed = find_needed_permissions(tenant, connector, connection)
    return tuple(
        sorted(
            permission
            for permission in needed
            if not connector.has_permission(permission, granted_keys)
        )
    )
