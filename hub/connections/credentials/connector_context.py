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
from connectors.http import Request, Scope, Spends
from connectors.outcomes import Outcome
from connectors.schema import Credential
from hub.connections.models import Connection, ConnectorApp
from hub.crypto.redaction import redact_excerpt, redact_text
from hub.throttle.definitions import HUB_RATE_SETTINGS, TENANT_KIND, hub_quota, tenant_share
from hub.throttle.reserve import ScopeCost

SCOPE_KEY_MAX = 300  # characters
SHARED_SCOPE_KINDS = ("app", "host", "address")  # scopes that belong to no single account
DETAIL_MAX = 2000  # characters of what a system said
SHORTEST_SECRET = 6  # shorter values would blacken half of a text when they are redacted


def open_credential(connection: Connection, app: ConnectorApp | None) -> Credential:
    """Raises CannotOpen where the sealed document does not open, LookupError where there is none or no connector."""
    sealed = getattr(connection, "credential", None)
    return build_credential(connection, app, sealed.open(connection) if sealed else {})


def build_credential(
    connection: Connection, app: ConnectorApp | None, document: Mapping[str, Any]
) -> Credential:
    """The same with a document that is not stored yet, to be tested."""
    connector = connection.connector
    app_secrets = app.open() if app and connector.platform else {}
    return Credential(
        secret={**app_secrets, **document},
        urls=connector.urls_at(
            connection.settings.get("environment", ""),
            app.bases if app else connector.urls,
            str(connection.settings.get("login_host") or ""),
        ),
        account=connection.account,
        settings=connection.settings,
        hosts=tuple(app.hosts) if app else (),
    )


def collect_secrets(credential: Credential) -> tuple[str, ...]:
    return tuple(
        value for value in iterate_texts(credential.secret) if len(value) >= SHORTEST_SECRET
    )


@sensitive_variables()
def redact_outcome(outcome: Outcome, secrets: Iterable[str]) -> Outcome:
    """What they say may repeat what we sent."""
    return replace(
        outcome,
        reason=redact_text(outcome.reason, secrets),
        detail=redact_excerpt(outcome.detail, DETAIL_MAX, secrets),
    )


def iterate_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from iterate_texts(_parse_json_object(value))
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from iterate_texts(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from iterate_texts(child)


def _parse_json_object(text: str) -> Any:
    """What a text in JSON holds, such as a customer's own headers: each of them is a secret of its own."""
    with suppress(ValueError, RecursionError):
        return json.loads(text) if text.startswith("{") else None


def list_spent_quotas(connection: Connection, request: Request) -> tuple[ScopeCost, ...]:
    """What the connector states, and what the hub keeps to by itself."""
    return _list_connector_quotas(
        connection.connector, connection.pk, connection.account, request.spends
    ) + _list_own_quotas(request)


@lru_cache(maxsize=4096)
def _list_connector_quotas(
    connector: Connector, pk: int | None, account: str, spends: Spends
) -> tuple[ScopeCost, ...]:
    return tuple(
        ScopeCost(
            _format_scope_key(connector.key, pk, account, scope), connector.quota(scope), cost
        )
        for scope, cost in spends
        if has_owner(pk, account, scope)
    )


def _list_own_quotas(request: Request) -> tuple[ScopeCost, ...]:
    quotas = [(kind, quota) for kind in HUB_RATE_SETTINGS if (quota := hub_quota(kind))]
    if not quotas:
        return ()
    host = urlsplit(request.url).netloc.rpartition("@")[2].lower()
    return tuple(
        ScopeCost(f"|{kind}||{host if kind == 'host' else ''}"[:SCOPE_KEY_MAX], quota)
        for kind, quota in quotas
    )


def list_tenant_shares(connection: Connection, request: Request) -> tuple[ScopeCost, ...]:
    """What this call takes of its tenant's share of quotas that all tenants share, such as the token endpoint's."""
    if connection.tenant_id is None:
        return ()
    return tuple(
        ScopeCost(
            f"{connection.connector_key}|{TENANT_KIND}|{connection.tenant_id}|{scope.name}"[
                :SCOPE_KEY_MAX
            ],
            share,
            cost,
        )
        for scope, cost in request.spends
        if scope.kind == "app"
        and not connection.connector.platform
        and (share := tenant_share(connection.connector.quota(scope)))
    )


def has_owner(pk: int | None, account: str, scope: Scope) -> bool:
    """Not so for what is only being connected: two newcomers must not wait for each other."""
    return (
        pk is not None
        or scope.kind in SHARED_SCOPE_KINDS
        or (scope.kind != "connection" and account != "")
    )


def build_scope_key(connection: Connection, scope: Scope) -> str:
    """The key of a scope's row: whose it is in full. Two connections of one account share its quota."""
    return _format_scope_key(connection.connector_key, connection.pk, connection.account, scope)


def _format_scope_key(connector: str, pk: int | None, account: str, scope: Scope) -> str:
    own_id = f"#{pk}"
    owner = {**dict.fromkeys(SHARED_SCOPE_KINDS, ""), "connection": own_id}.get(
        scope.kind, account or own_id
    )
    return "|".join((connector, scope.kind, owner, scope.name))[:SCOPE_KEY_MAX]
