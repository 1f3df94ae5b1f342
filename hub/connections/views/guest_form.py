"""The form of a guest with a connect link; the entered values are not shown again."""

import secrets
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from hub import egress
from hub.audit import ActorContext
from hub.connections.connecting import connect_links
from hub.connections.connecting.by_form import fulfil_link_with_form
from hub.connections.connecting.form_results import Connected, ConnectionTestFailed, FormInput
from hub.connections.connecting.oauth.session import AuthorizationRefused
from hub.connections.forms.connection_forms import ConnectorFieldsForm
from hub.connections.models import ConnectLink
from hub.connections.views.connect_link import find_held_link, render_ended_link
from hub.connections.views.form_result_context import describe_failed_test, list_checks
from hub.connections.views.result_pages import render_problem_page
from hub.db.clock import clock


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
def show_guest_form(request: HttpRequest) -> HttpResponse:
    """Show the form without values: a guest may not see stored settings."""
    link = find_held_link(request)
    if link is None or link.connector.needs_oauth:
        return render_ended_link(request)
    if link.tenant.suspended:
        return _render_suspended_page(request, link)
    form = ConnectorFieldsForm(
        request.POST or None,
        connector_fields=link.connector.fields,
        current_values={},
        stored_document={},
    )
    context: dict[str, Any] = {"link": link, "connector": link.connector, "form": form}
    if request.method == "POST" and form.is_valid():
        return _connect_with_link(request, link, form, context)
    return _render_guest_form(request, context)


def _render_guest_form(
    request: HttpRequest, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(request, "connections/guest_form.html", context, status=status)


@sensitive_variables()
def _connect_with_link(
    request: HttpRequest, link: ConnectLink, form: ConnectorFieldsForm, context: dict[str, Any]
) -> HttpResponse:
    result = fulfil_link_with_form(
        link,
        FormInput.from_cleaned_data(form.cleaned_data),
        ActorContext.of_visitor(request, connect_links.build_guest_tenant_user(link)),
        call=egress.send_request,
        random=secrets.SystemRandom(),
        now=clock(),
    )
    if isinstance(result, Connected):
        return _render_connected(request, result)
    if isinstance(result, ConnectionTestFailed):
        context |= describe_failed_test(result, link.connector)
        return _render_guest_form(request, context, status=422)
    if result.reason == "link_ended":
        return render_ended_link(request)
    if result.reason == "tenant_suspended":
        return _render_suspended_page(request, link)
    form.add_error(None, result.detail)
    return _render_guest_form(request, context | list_checks(result), status=409)


def _render_connected(request: HttpRequest, result: Connected) -> HttpResponse:
    """Render the last page, with a generated signing secret, which is shown once."""
    if result.signing_secret:
        return render(request, "connections/link_done.html", {"secret": result.signing_secret})
    messages.success(request, _("%(name)s is connected.") % {"name": result.connection.name})
    return HttpResponseRedirect(reverse("connections:link_done"))


def _render_suspended_page(request: HttpRequest, link: ConnectLink) -> HttpResponse:
    return render_problem_page(
        request,
        AuthorizationRefused("tenant_suspended"),
        link.connector,
        back_url=reverse("connections:link_here"),
    )
