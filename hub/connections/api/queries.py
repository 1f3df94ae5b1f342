"""Find connections that an API key may see, and collect the details of one."""

from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework.request import Request

from connectors.registry import CONNECTORS
from hub.connections.actions import maintenance
from hub.connections.models import Connection, KillSwitch
from hub.connections.quotas.scopes import SHARED_SCOPE_KINDS
from hub.connections.status.backlog import measure_backlog
from hub.connections.status.connector_permissions import list_permission_statuses
from hub.connections.status.quota_usage import list_quota_usage
from hub.connections.status.settings_view import read_public_settings
from hub.connections.token_lifetimes import MAIN_PREFIX, Token
from tenants.scoping import (
    ALL_TENANTS,
    accessible_tenants,
    changeable_condition,
    readable_condition,
)


def query_visible_connections(request: Request) -> QuerySet[Connection]:
    """Select connections of installed connectors that the key may read or change.

    The method of the request determines which of both.
    """
    allowed = readable_condition if request.method == "GET" else changeable_condition
    connections = Connection.unscoped.select_related("tenant", "lane", "credential")
    return connections.filter(
        allowed(Connection, accessible_tenants(request.user)), connector_key__in=CONNECTORS
    )


def find_visible_connection(request: Request, id: UUID) -> Connection:
    return get_object_or_404(query_visible_connections(request), public_id=id)


def collect_connection_details(
    connection: Connection, request: Request, *, now: datetime
) -> dict[str, Any]:
    """Collect what ReadConnectionSerializer shows, in a fixed number of queries."""
    return {
        "window": maintenance.find_connection_window(connection, now=now),
        "settings": read_public_settings(connection),
        "held_permissions": list_permission_statuses(connection),
        "backlog": measure_backlog(connection, now=now),
        "token": _describe_token(connection),
        "switches": _find_switches_above(connection),
        "quotas": _list_visible_quotas(
            connection, sees_all_tenants=accessible_tenants(request.user) is ALL_TENANTS, now=now
        ),
        "links": {
            "page": _build_page_url(connection),
            "deliveries": _build_deliveries_url(connection),
        },
    }


def _describe_token(connection: Connection) -> dict[str, Any] | None:
    credential = getattr(connection, "credential", None)
    if credential is None or MAIN_PREFIX not in credential.token_lifetimes:
        return None
    token = Token.from_json(credential.token_lifetimes[MAIN_PREFIX])
    return {
        "given_at": token.granted_at,
        "expires_at": token.expires_at,
        "refresh_due_at": credential.refresh_due_at,
        "refresh_failures": credential.refresh_failures,
    }


def _find_switches_above(connection: Connection) -> QuerySet[KillSwitch]:
    condition = Q(scope="platform") | Q(scope="connector", connector_key=connection.connector_key)
    if connection.tenant_id:
        condition |= Q(scope="tenant", tenant=connection.tenant_id)
    return KillSwitch.unscoped.filter(condition).order_by("activated_at")


def _list_visible_quotas(
    connection: Connection, *, sees_all_tenants: bool, now: datetime
) -> list[dict[str, Any]]:
    """List the connection's quotas, for a tenant's key without shared quotas.

    Shared quotas show what other tenants spend.
    """
    return [
        {
            "kind": scope.kind,
            "name": scope.name,
            "label": gauge.label,
            "used": gauge.used,
            "limit": gauge.limit,
            "free_at": gauge.free_at,
            "paused_until": gauge.paused_until,
        }
        for scope, gauge in list_quota_usage(connection, now=now)
        if sees_all_tenants or scope.kind not in SHARED_SCOPE_KINDS
    ]


def _build_page_url(connection: Connection) -> str | None:
    if connection.tenant is None:
        return None
    arguments = [connection.tenant.reference, connection.public_id]
    return f"{settings.HUB_PUBLIC_URL}{reverse('portal:connection', args=arguments)}"


def _build_deliveries_url(connection: Connection) -> str:
    query = f"connection={quote(str(connection.public_id))}"
    return f"{settings.HUB_PUBLIC_URL}{reverse('deliveries')}?{query}"
