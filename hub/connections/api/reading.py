"""A connection found for a key, and all that is told of one."""

from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse
from rest_framework.request import Request

from connectors.registry import CONNECTORS
from hub.connections import maintenance
from hub.connections.backlog import backlog
from hub.connections.gauges import gauges
from hub.connections.lives import MAIN, Token
from hub.connections.models import Connection, KillSwitch
from hub.connections.permissions import held
from hub.connections.unseal import SHARED
from tenants.scoping import EVERYWHERE, changeable, reach, readable


def visible(request: Request) -> QuerySet[Connection]:
    """Those of systems that are installed."""
    allowed = readable if request.method == "GET" else changeable
    rows = Connection.unscoped.select_related("tenant", "lane", "credential")
    return rows.filter(allowed(Connection, reach(request.user)), connector_key__in=CONNECTORS)


def find(request: Request, id: UUID) -> Connection:
    connection = visible(request).filter(public_id=id).first()
    if connection is None:
        raise Http404
    return connection


def told(connection: Connection, request: Request, *, now: datetime) -> dict[str, Any]:
    """What ReadConnectionSerializer reads beside the row; a fixed number of statements."""
    connection.window = maintenance.of(connection, now=now)
    return {
        "settings": settings_of(connection),
        "held_permissions": held(connection),
        "backlog": backlog(connection, now=now),
        "token": token_of(connection),
        "switches": switches_over(connection),
        "quotas": quotas_of(connection, everywhere=reach(request.user) is EVERYWHERE, now=now),
        "links": {"page": page_of(connection), "deliveries": deliveries_of(connection)},
    }


def settings_of(connection: Connection) -> dict[str, Any]:
    """Those that its connector knows."""
    kept = connection.settings
    return {
        field.key: kept[field.key] for field in connection.connector.fields if not field.secret and field.key in kept
    }


def token_of(connection: Connection) -> dict[str, Any] | None:
    credential = getattr(connection, "credential", None)
    if credential is None or MAIN not in credential.token_lifetimes:
        return None
    token = Token.read(credential.token_lifetimes[MAIN])
    return {
        "given_at": token.given,
        "expires_at": token.ends,
        "refresh_due_at": credential.refresh_due_at,
        "refresh_failures": credential.refresh_failures,
    }


def switches_over(connection: Connection) -> QuerySet[KillSwitch]:
    meant = Q(scope="platform") | Q(scope="connector", connector_key=connection.connector_key)
    if connection.tenant_id:
        meant |= Q(scope="tenant", tenant=connection.tenant_id)
    return KillSwitch.unscoped.filter(meant).order_by("activated_at")


def quotas_of(connection: Connection, *, everywhere: bool, now: datetime) -> list[dict[str, Any]]:
    """What all tenants spend is the platform's to see: no tenant learns what the others do."""
    return [
        {
            "kind": row.kind,
            "name": row.name,
            "label": gauge.label,
            "used": gauge.used,
            "allowed": gauge.allowed,
            "free_at": gauge.free_at,
            "paused_until": gauge.paused_until,
        }
        for row, gauge in gauges(connection, now=now)
        if everywhere or row.kind not in SHARED
    ]


def page_of(connection: Connection) -> str | None:
    if connection.tenant is None:
        return None
    return settings.HUB_PUBLIC_URL + reverse(
        "portal:connection", args=[connection.tenant.reference, connection.public_id]
    )


def deliveries_of(connection: Connection) -> str:
    return f"{settings.HUB_PUBLIC_URL}{reverse('deliveries')}?connection={quote(str(connection.public_id))}"
