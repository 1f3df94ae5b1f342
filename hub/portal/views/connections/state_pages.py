"""Pause, resume and disable a connection, and renew its access token."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from hub.audit import ActorContext
from hub.connections.actions import connection_actions
from hub.connections.forms.action_forms import PauseForm, ReasonForm, compute_pause_end
from hub.db.clock import clock
from hub.portal.views.connections.own_connection import (
    ADMIN,
    get_own_connection,
    redirect_to_connection,
)
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser, tenant_view


@require_POST
@tenant_view(min_role=ADMIN)
def resume_connection_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection = get_own_connection(tenant_user, id)
    with show_refusal(request):
        connection_actions.resume_connection(
            connection, ActorContext.of_visitor(request, tenant_user), now=clock()
        )
        if connection.state == "needs_reconnect":
            messages.warning(
                request,
                _(
                    "Its authorization is no longer valid. Reconnect the account to send "
                    "the waiting deliveries."
                ),
            )
        else:
            messages.success(request, _("Resumed. Waiting deliveries are sent now."))
    return redirect_to_connection(tenant_user, connection)


@require_http_methods(["GET", "POST"])
@tenant_view(min_role=ADMIN)
def pause_connection_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection, now = get_own_connection(tenant_user, id), clock()
    form = PauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with show_refusal(request):
            reason, until = form.cleaned_data["reason"], compute_pause_end(form.cleaned_data, now)
            connection_actions.pause_connection(
                connection,
                reason,
                ActorContext.of_visitor(request, tenant_user),
                until=until,
                now=now,
            )
            messages.success(request, _("Paused. New deliveries wait."))
        return redirect_to_connection(tenant_user, connection)
    return render(
        request,
        "portal/pause.html",
        {"tenant_user": tenant_user, "connection": connection, "form": form},
    )


@require_http_methods(["GET", "POST"])
@tenant_view(min_role=ADMIN)
def disable_connection_view(
    request: HttpRequest, tenant_user: TenantUser, id: UUID
) -> HttpResponse:
    connection = get_own_connection(tenant_user, id)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actor = ActorContext.of_visitor(request, tenant_user)
        with show_refusal(request):
            connection_actions.disable_connection(
                connection, form.cleaned_data["reason"], actor, now=clock()
            )
            messages.success(request, _("Disabled. New deliveries are held."))
        return redirect_to_connection(tenant_user, connection)
    return render(
        request,
        "portal/disable.html",
        {"tenant_user": tenant_user, "connection": connection, "form": form},
    )


@require_POST
@tenant_view(min_role=ADMIN)
def renew_token_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection = get_own_connection(tenant_user, id)
    with show_refusal(request):
        connection_actions.renew_token(
            connection, ActorContext.of_visitor(request, tenant_user), now=clock()
        )
        messages.success(
            request, _("The renewal has been requested. The timeline shows the result.")
        )
    return redirect_to_connection(tenant_user, connection)
