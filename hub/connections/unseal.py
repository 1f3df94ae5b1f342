"""What a connector may know of a connection: its credential opened, base URLs, and the rows of the scopes it spends."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.views.decorators.debug import sensitive_variables

from connectors.base import Connector
from connectors.outcomes import Outcome
from connectors.parts import Credential
from connectors.wire import Request, Scope, Spends
from hub.connections.models import Connection, ConnectorApp
from hub.redaction import redact_excerpt, redact_text
from hub.throttle.reserve import Spent
from hub.throttle.stated import OWN, TENANT, own_quota, tenant_share

KEY_MOST = 300  # characters
SHARED = ("app", "host", "address")  # scopes that belong to no single account
SAYS_MOST = 2000  # characters of what a system said
SHORTEST_SECRET = 6  # shorter values would blacken half of a text when they are redacted


def credential_of(connection: Connection, app: ConnectorApp | None) -> Credential:
    """Raises CannotOpen where the sealed document does not open, LookupError where there is none or no connector."""
    sealed = getattr(connection, "credential", None)
    return opened(connection, app, sealed.open(connection) if sealed else {})


def opened(connection: Connection, app: ConnectorApp | None, document: Mapping[str, Any]) -> Credential:
    """The same with a document that is not stored yet, to be tested."""
    code = connection.connector
    own = app.open() if app and code.platform else {}
    return Credential(
        secret={**own, **document},
        urls=code.urls_at(
            connection.settings.get("environment", ""),
            app.bases if app else code.urls,
            str(connection.settings.get("login_host") or ""),
        ),
        account=connection.account,
        settings=connection.settings,
        hosts=tuple(app.hosts) if app else (),
    )


def secrets_in(credential: Credential) -> tuple[str, ...]:
    return tuple(value for value in texts(credential.secret) if len(value) >= SHORTEST_SECRET)


@sensitive_variables()
def redacted(outcome: Outcome, secrets: Iterable[str]) -> Outcome:
    """What they say may repeat what we sent."""
    return replace(
        outcome, reason=redact_text(outcome.reason, secrets), detail=redact_excerpt(outcome.detail, SAYS_MOST, secrets)
    )


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from texts(object_in(value))
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from texts(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from texts(child)


def object_in(text: str) -> Any:
    """What a text in JSON holds, such as a customer's own headers: each of them is a secret of its own."""
    with suppress(ValueError, RecursionError):
        return json.loads(text) if text.startswith("{") else None


def spent_by(connection: Connection, request: Request) -> tuple[Spent, ...]:
    """What the connector states, and what the hub keeps to by itself."""
    return stated_of(connection.connector, connection.pk, connection.account, request.spends) + own_spent(request)


@lru_cache(maxsize=4096)
def stated_of(connector: Connector, pk: int | None, account: str, spends: Spends) -> tuple[Spent, ...]:
    return tuple(
        Spent(key(connector.key, pk, account, scope), connector.quota(scope), cost)
        for scope, cost in spends
        if has_owner(pk, account, scope)
    )


def own_spent(request: Request) -> tuple[Spent, ...]:
    own = [(kind, quota) for kind in OWN if (quota := own_quota(kind))]
    if not own:
        return ()
    host = urlsplit(request.url).netloc.rpartition("@")[2].lower()
    return tuple(Spent(f"|{kind}||{host if kind == 'host' else ''}"[:KEY_MOST], quota) for kind, quota in own)


def shares_of(connection: Connection, request: Request) -> tuple[Spent, ...]:
    """What this call takes of its tenant's share of quotas that all tenants share, such as the token endpoint's."""
    if connection.tenant_id is None:
        return ()
    return tuple(
        Spent(f"{connection.connector_key}|{TENANT}|{connection.tenant_id}|{scope.name}"[:KEY_MOST], share, cost)
        for scope, cost in request.spends
        if scope.kind == "app"
        and not connection.connector.platform
        and (share := tenant_share(connection.connector.quota(scope)))
    )


def has_owner(pk: int | None, account: str, scope: Scope) -> bool:
    """Not so for what is only being connected: two newcomers must not wait for each other."""
    return pk is not None or scope.kind in SHARED or (scope.kind != "connection" and account != "")


def key_of(connection: Connection, scope: Scope) -> str:
    """The key of a scope's row: whose it is in full. Two connections of one account share its quota."""
    return key(connection.connector_key, connection.pk, connection.account, scope)


def key(connector: str, pk: int | None, account: str, scope: Scope) -> str:
    own = f"#{pk}"
    whose = {**dict.fromkeys(SHARED, ""), "connection": own}.get(scope.kind, account or own)
    return "|".join((connector, scope.kind, whose, scope.name))[:KEY_MOST]
