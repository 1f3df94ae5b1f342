"""The quota scopes that a call spends, and the keys of their rows."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

from connectors.base import Connector
from connectors.http import Request, Response, Scope, ScopeKind, Spends
from connectors.outcomes import clamp_wait
from hub.connections.models import Connection
from hub.throttle.definitions import HUB_RATE_SETTINGS, TENANT_KIND, hub_quota, tenant_share
from hub.throttle.demand import ScopeCost
from hub.throttle.feedback import QuotaReport

SCOPE_KEY_LENGTH_MAX = 300  # characters
SHARED_SCOPE_KINDS = ("app", "host", "address")  # scopes that belong to no single account


def list_spent_quotas(connection: Connection, request: Request) -> tuple[ScopeCost, ...]:
    """List the quotas that a request spends: the connector's, and the hub's own rates."""
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
        if is_counted(pk, account, scope)
    )


def _list_own_quotas(request: Request) -> tuple[ScopeCost, ...]:
    quotas = [(kind, quota) for kind in HUB_RATE_SETTINGS if (quota := hub_quota(kind))]
    if not quotas:
        return ()
    host = urlsplit(request.url).netloc.rpartition("@")[2].lower()
    return tuple(
        ScopeCost(f"|{kind}||{host if kind == 'host' else ''}"[:SCOPE_KEY_LENGTH_MAX], quota)
        for kind, quota in quotas
    )


def list_tenant_shares(connection: Connection, request: Request) -> tuple[ScopeCost, ...]:
    """List the tenant's shares of quotas that all tenants share, such as of the token endpoint."""
    if connection.tenant_id is None:
        return ()
    return tuple(
        ScopeCost(
            f"{connection.connector_key}|{TENANT_KIND}|{connection.tenant_id}|{scope.name}"[
                :SCOPE_KEY_LENGTH_MAX
            ],
            share,
            cost,
        )
        for scope, cost in request.spends
        if scope.kind == "app"
        and not connection.connector.is_for_platform
        and (share := tenant_share(connection.connector.quota(scope)))
    )


def is_counted(connection_pk: int | None, account: str, scope: Scope) -> bool:
    """Return whether calls of the scope are counted.

    An unsaved draft has no primary key and perhaps no account. Scopes that these would identify
    are then not counted, as all drafts would share them.
    """
    return (
        connection_pk is not None
        or scope.kind in SHARED_SCOPE_KINDS
        or (scope.kind != "connection" and account != "")
    )


def parse_scope(name: str) -> Scope:
    """Parse a key of `Connector.quotas`: a kind, or `kind:name`."""
    kind, _, scope_name = name.partition(":")
    return Scope(cast(ScopeKind, kind), scope_name)


def build_scope_key(connection: Connection, scope: Scope) -> str:
    """Return the key of a scope's row, which is the same for connections of one account."""
    return _format_scope_key(connection.connector_key, connection.pk, connection.account, scope)


def split_scope_key(key: str) -> tuple[str, str, str, str]:
    """Return connector, kind, owner and name of a scope's key."""
    connector_key, kind, owner, name = (key.split("|", 3) + ["", "", ""])[:4]
    return connector_key, kind, owner, name


def _format_scope_key(connector: str, pk: int | None, account: str, scope: Scope) -> str:
    own_id = f"#{pk}"
    owner = {**dict.fromkeys(SHARED_SCOPE_KINDS, ""), "connection": own_id}.get(
        scope.kind, account or own_id
    )
    return "|".join((connector, scope.kind, owner, scope.name))[:SCOPE_KEY_LENGTH_MAX]


def parse_quota_reports(
    connection: Connection, response: Response, *, now: datetime
) -> dict[str, QuotaReport]:
    """Return what a response reports of the connection's quotas, by the keys of their scopes."""
    reports = {}
    for report in connection.connector.parse_quota_reports(response):
        seconds = clamp_wait(report.resets_in)
        window_ends = None if seconds is None else now + timedelta(seconds=seconds)
        quota = connection.connector.quota(report.scope)
        key = build_scope_key(connection, report.scope)
        reports[key] = QuotaReport(quota, report.used, report.limit, window_ends)
    return reports
