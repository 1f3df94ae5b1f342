"""Disconnect a connection."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from hub.audit import ActorContext
from hub.connections.actions.disconnection import (
    cancel_waiting_deliveries,
    disconnect_account,
)
from hub.connections.models import Connection
from hub.connections.status.backlog import measure_backlog
from hub.db.clock import clock
from hub.outgoing.operations.erase import erase_connection_data
from hub.portal.forms import ErasingDisconnectForm
from hub.portal.views.connections.own_connection import (
    ADMIN,
    filter_routes_to,
    get_own_connection,
    redirect_to_connection,
)
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser, require_recent_login, tenant_view


@require_http_methods(["GET", "POST"])
@tenant_view(min_role=ADMIN)
def disconnect_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponseBase:
    """Show the consequences of disconnecting (GET); disconnect (POST)."""
    connection, now = get_own_connection(tenant_user, id), clock()
    form = ErasingDisconnectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        has_to_erase = form.cleaned_data["data"] == "erase"
        return (disconnect_and_erase if has_to_erase else disconnect_and_redirect)(
            request, tenant_user, connection, form
        )
    routes = list(filter_routes_to(connection)[:51])
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "form": form,
        "waiting": measure_backlog(connection, now=now),
        "routes": routes[:50],
        "more_routes": len(routes) > 50,
    }
    return render(request, "portal/disconnect.html", context)


def disconnect_and_redirect(
    request: HttpRequest,
    tenant_user: TenantUser,
    connection: Connection,
    form: ErasingDisconnectForm,
) -> HttpResponse:
    actor, now = ActorContext.of_visitor(request, tenant_user), clock()
    with show_refusal(request):
        disconnect_account(
            connection,
            actor,
            reason=form.cleaned_data["reason"],
            keeps_events=form.cleaned_data["what_waits"] == "hold",
            can_be_undone=form.can_be_undone,
            now=now,
        )
        messages.success(
            request, _("%(name)s is disconnected. Its history is kept.") % {"name": connection.name}
        )
        handle_sent_data(request, connection, form.cleaned_data, actor, now=now)
    return redirect_to_connection(tenant_user, connection)


def handle_sent_data(
    request: HttpRequest,
    connection: Connection,
    data: dict[str, Any],
    actor: ActorContext,
    *,
    now: datetime,
) -> None:
    """Erase the data sent over the connection, or cancel waiting deliveries, as chosen."""
    if data["data"] == "erase":
        erase_connection_data(connection, actor, cancel=data["what_waits"] == "cancel", now=now)
        messages.info(
            request,
            _("Its requests and responses are being deleted. Its identities have been deleted."),
        )
    elif data["what_waits"] == "cancel":
        count = cancel_waiting_deliveries(connection, actor, now=now)
        confirmation = ngettext(
            "%(count)s waiting delivery is cancelled.",
            "%(count)s waiting deliveries are cancelled.",
            count,
        )
        messages.info(request, confirmation % {"count": count})


disconnect_and_erase = require_recent_login(disconnect_and_redirect)
