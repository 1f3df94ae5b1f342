"""The permissions that a connector requests, and those that an account granted."""

from collections.abc import Collection
from dataclasses import dataclass

from connectors.base import Connector
from connectors.schema import Permission
from hub.connections.models import Connection


def list_requested_permissions(connector: Connector) -> list[Permission]:
    """List the permissions that the connector requests, with their purposes.

    A connector without such a list: the permissions that its actions need.
    """
    if connector.permissions:
        return list(connector.permissions)
    purposes = {
        key: purpose for action in connector.actions for key, purpose in action.permissions.items()
    }
    return [Permission(key, purpose) for key, purpose in purposes.items()]


@dataclass(frozen=True, slots=True)
class PermissionStatus:
    """One permission, and whether it is granted; None if the system does not report it."""

    permission: Permission
    granted: bool | None


def list_permission_statuses(connection: Connection) -> list[PermissionStatus]:
    granted: Collection[str] | None = connection.permissions
    missing = set(connection.missing_permissions) if granted is not None else set()
    return [
        PermissionStatus(
            permission,
            None if granted is None else _is_permission_granted(permission, granted, missing),
        )
        for permission in list_requested_permissions(connection.connector)
    ]


def _is_permission_granted(
    permission: Permission, granted: Collection[str], missing: Collection[str]
) -> bool:
    return permission.key in granted or (not permission.optional and permission.key not in missing)
