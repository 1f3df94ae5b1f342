"""Reconnect a connection by OAuth or by a form; its history and waiting deliveries remain."""

import secrets
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from hub import egress
from hub.audit import ActorContext
from hub.connections.connecting.by_form import update_with_form
from hub.connections.connecting.form_results import Connected, ConnectionTestFailed, FormInput
from hub.connections.connecting.login_hosts import build_login_choices, login_host_of
from hub.connections.forms.connection_forms import CredentialUpdateForm
from hub.connections.models import Connection, Credential
from hub.connections.views.form_result_context import describe_failed_test, list_checks
from hub.crypto.sealed import CannotOpen
from hub.db.clock import clock
from hub.portal.views.connecting.wizard import (
    build_pending_context,
    login_of_attempt,
    render_suspended_page,
)
from hub.portal.views.connections.own_connection import (
    ADMIN,
    get_own_connection,
    redirect_to_connection,
)
from tenants.access.tenant_users import TenantUser, tenant_view


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
@tenant_view(min_role=ADMIN)
def reconnect_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection = get_own_connection(tenant_user, id)
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
    }
    if connection.connector.needs_oauth:
        so_far = {
            "environment": connection.settings.get("environment", ""),
            "login_host": login_host_of(connection),
        }
        context |= build_pending_context(request, tenant_user, connection.connector, connection)
        context |= build_login_choices(connection.connector, **login_of_attempt(context) or so_far)
        return render(request, "portal/reconnect.html", context)
    if tenant_user.tenant.suspended:
        return render_suspended_page(request, tenant_user, connection.connector)
    form = build_update_form(connection, request.POST or None)
    context["form"] = form
    if request.method == "POST" and form.is_valid():
        return update_after_test(request, tenant_user, form, context)
    return render(request, "portal/reconnect.html", context)


@sensitive_variables()
def build_update_form(connection: Connection, data: Any) -> CredentialUpdateForm:
    """Build the form; a stored secret that can be decrypted is kept if no new one is entered."""
    stored_document: dict[str, Any] = {}
    with suppress(CannotOpen, Credential.DoesNotExist):
        stored_document = connection.credential.open(connection)
    return CredentialUpdateForm(
        data,
        connector_fields=connection.connector.fields,
        current_values=connection.settings,
        stored_document=stored_document,
    )


@sensitive_variables()
def update_after_test(
    request: HttpRequest,
    tenant_user: TenantUser,
    form: CredentialUpdateForm,
    context: dict[str, Any],
) -> HttpResponse:
    connection = context["connection"]
    result = update_with_form(
        connection,
        FormInput.from_cleaned_data(form.cleaned_data),
        ActorContext.of_visitor(request, tenant_user),
        call=egress.send_request,
        random=secrets.SystemRandom(),
        now=clock(),
    )
    if isinstance(result, Connected):
        messages.success(request, _("Tested and saved. Waiting deliveries are sent now."))
        return redirect_to_connection(tenant_user, connection)
    if isinstance(result, ConnectionTestFailed):
        context |= describe_failed_test(result, connection.connector)
        return render(request, "portal/reconnect.html", context, status=422)
    if result.reason == "tenant_suspended":
        return render_suspended_page(request, tenant_user, connection.connector)
    form.add_error(None, result.detail)
    return render(request, "portal/reconnect.html", context | list_checks(result), status=409)
