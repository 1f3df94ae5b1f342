"""The account of a connection before it is reconnected, and whether another one replaces it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from django.views.decorators.debug import sensitive_variables

from hub.connections.models import Connection, Credential, get_pending_disconnection
from hub.crypto.sealed import CannotOpen


@dataclass(frozen=True, slots=True)
class FormerAccount:
    """The account of a connection before a change.

    `id` is "" if the system names no account; `name` is then the host. `secrets`: the values in the
    account's credential, if it is still stored.
    """

    id: str
    name: str
    is_disconnected: bool
    secrets: frozenset[str] = field(repr=False)

    @classmethod
    @sensitive_variables()
    def of(cls, connection: Connection, credential: Credential | None) -> Self:
        """Read the account from a locked connection and its credential, before a replacement."""
        secrets: frozenset[str] = frozenset()
        disconnection = get_pending_disconnection(connection)
        with suppress(CannotOpen):
            if disconnection is not None:
                secrets = _list_secrets(disconnection.open()["secret"])
            elif credential is not None:
                secrets = _list_secrets(credential.open(connection))
        return cls(connection.account, connection.account_name, connection.is_disconnected, secrets)

    @sensitive_variables()
    def is_replaced_by(self, connection: Connection, document: Mapping[str, Any]) -> bool:
        """Return whether the connection now has, or may have, an account other than this one.

        If the system names no account, a different host means a different account. Without hosts,
        only a connection that was disconnected may have a different account, and only if none of
        its secrets is the same.
        """
        if self.id or connection.account:
            return bool(self.id) and connection.account != self.id
        if connection.connector.webhook_source is None:
            return False
        if self.name and connection.account_name:
            return connection.account_name != self.name
        return self.is_disconnected and not self.secrets & _list_secrets(document)


def _list_secrets(document: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(value for value in document.values() if isinstance(value, str) and value)
