"""What a connector asks to be allowed, and what an account has allowed."""

from collections.abc import Collection
from dataclasses import dataclass

from connectors.base import Connector
from connectors.parts import Permission
from hub.connections.models import Connection


def asked(connector: Connector) -> list[Permission]:
    """What we ask to be allowed there, and why; where nobody is asked, what the credential is needed for."""
    if connector.permissions:
        return list(connector.permissions)
    stated = {key: why for action in connector.actions for key, why in action.permissions.items()}
    return [Permission(key, why) for key, why in stated.items()]


@dataclass(frozen=True, slots=True)
class Held:
    """One permission, with whether we have it; None: the system never told."""

    permission: Permission
    granted: bool | None


def held(connection: Connection) -> list[Held]:
    told: Collection[str] | None = connection.permissions
    missing = set(connection.missing_permissions) if told is not None else set()
    return [
        Held(permission, None if told is None else has(permission, told, missing))
        for permission in asked(connection.connector)
    ]


def has(permission: Permission, told: Collection[str], missing: Collection[str]) -> bool:
    return permission.key in told or (not permission.optional and permission.key not in missing)
