"""What a connector may know of a connection: its credential opened, base URLs, and the rows of the scopes it spends."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.base import Credential
from connectors.wire import Request, Scope
from hub.connections.models import Connection, ConnectorApp
from hub.throttle.reserve import Spent
from hub.throttle.stated import own_quota

KEY_MOST = 300  # characters
SHORTEST_SECRET = 6  # shorter values would blacken half of a text when they are redacted


def credential_of(connection: Connection, app: ConnectorApp | None) -> Credential:
    """Raises CannotOpen where the sealed document does not open, LookupError where there is none or no connector."""
    sealed = getattr(connection, "credential", None)
    return opened(connection, app, sealed.open(connection) if sealed else {})


def opened(connection: Connection, app: ConnectorApp | None, document: Mapping[str, Any]) -> Credential:
    """The same with a document that is not stored yet, to be tested."""
    own = app.open() if app and connection.code.platform else {}
    return Credential(
        secret={**own, **document},
        urls={**connection.code.urls, **(app.urls if app else {})},
        account=connection.account,
        settings=connection.settings,
        hosts=tuple(app.hosts) if app else (),
    )


def secrets_in(credential: Credential) -> tuple[str, ...]:
    return tuple(value for value in texts(credential.secret) if len(value) >= SHORTEST_SECRET)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from texts(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from texts(child)


def spent_by(connection: Connection, request: Request) -> tuple[Spent, ...]:
    """What the connector states, and what the hub keeps to by itself."""
    stated = (Spent(key_of(connection, scope), connection.code.quota(scope), cost) for scope, cost in request.spends)
    return (*stated, *own_spent(request))


def own_spent(request: Request) -> Iterator[Spent]:
    names = {"host": urlsplit(request.url).netloc.rpartition("@")[2].lower(), "address": ""}
    for kind, name in names.items():
        if quota := own_quota(kind):
            yield Spent(f"|{kind}||{name}"[:KEY_MOST], quota)


def key_of(connection: Connection, scope: Scope) -> str:
    """The key of a scope's row: whose it is in full. Two connections of one account share its quota."""
    own = f"#{connection.pk or 'new'}"
    whose = {"app": "", "host": "", "address": "", "connection": own}
    account = whose.get(scope.kind, connection.account or own)
    return "|".join((connection.connector, scope.kind, account, scope.name))[:KEY_MOST]
