"""The first page of a tenant: what runs, its connections, or the first step if there are none."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.connections.models import Connection
from hub.connections.status.connection_status import describe_statuses
from hub.connections.status.effective_status import needs_attention
from hub.db.clock import clock
from hub.forecast.upcoming import count_urgent_needs
from hub.outgoing.insight.missing_identities import list_missing_identities_by_connection
from hub.portal.views.change_pages import build_changes_context
from hub.portal.views.connecting.pending_attempts import list_pending_attempts
from hub.portal.views.connections.own_connection import filter_enabled_routes
from hub.recipes.running import list_running_integrations
from tenants.access.tenant_users import TenantUser, tenant_view

CONNECTIONS_SHOWN = 200
ROUTES_SCANNED = 200
TONE_ORDER = {"bad": 0, "warn": 1}  # connections that need attention come first


@require_safe
@tenant_view()
def show_home(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    connections = (
        Connection.objects.of(tenant_user.tenant)
        .select_related("lane", "tenant")
        .order_by("name", "pk")[:CONNECTIONS_SHOWN]
    )
    cards = sorted(
        describe_statuses(list(connections)),
        key=lambda card: TONE_ORDER.get(card[1].tone, len(TONE_ORDER)),
    )
    pending_attempts = list_pending_attempts(request, tenant_user, now=clock())
    missing_identities = find_missing_identities(
        tenant_user, [connection for connection, _status in cards]
    )
    attention_count = sum(
        status.tone in TONE_ORDER or needs_attention(status.state, connection.reason)
        for connection, status in cards
    )
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "cards": cards,
        "troubled": attention_count,
        "all_work": all(status.state == "healthy" for _connection, status in cards),
        "pending_attempts": pending_attempts,
        "missing_identities": missing_identities,
        "running": list_running_integrations(tenant_user.tenant, now=clock()),
    }
    rows = [connection for connection, _status in cards]
    context["urgent_needs"] = count_urgent_needs(tenant_user.tenant, now=clock())
    context |= build_changes_context(tenant_user, rows, now=clock())
    return render(request, "portal/home.html", context)


class MissingIdentities(NamedTuple):
    """The missing identities of a connection."""

    connection: Connection
    identity_count: int
    waiting_deliveries: int  # deliveries that wait for a missing identity


def find_missing_identities(
    tenant_user: TenantUser, connections: Sequence[Connection]
) -> list[MissingIdentities]:
    """Return the connections that lack identities, in the order given, in four statements."""
    connected = [connection for connection in connections if not connection.is_disconnected]
    missing_by_connection = list_missing_identities_by_connection(
        list(filter_enabled_routes(tenant_user.tenant)[:ROUTES_SCANNED]),
        tenant_user.tenant,
        connected,
    )
    return [
        MissingIdentities(
            connection, len(missing), sum(entry.waiting_deliveries for entry in missing)
        )
        for connection in connected
        if (missing := missing_by_connection[connection.pk])
    ]
