"""Permissions that a tenant's routes need, by a function of `hub.outgoing`."""

from collections.abc import Iterable

from django.conf import settings
from django.utils.module_loading import import_string

from connectors.base import Connector
from hub.connections.models import Connection
from tenants.models import Tenant


def find_needed_permissions(
    tenant: Tenant, connector: Connector, connection: Connection | None
) -> set[str]:
    needed: set[str] = import_string(settings.HUB_NEEDED_PERMISSIONS)(tenant, connector, connection)
    return needed


def find_incoming_permissions(
    tenant: Tenant, connector: Connector, connection: Connection | None
) -> set[str]:
    """Return the permissions that routes for events of the account need.

    They are requested, but an account without them is connected: it keeps sending.
    """
    needed: set[str] = import_string(settings.HUB_INCOMING_PERMISSIONS)(
        tenant, connector, connection
    )
    return needed


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
