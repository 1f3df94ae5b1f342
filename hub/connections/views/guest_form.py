"""What a guest fills in who came by a connect link: tested first, kept when the test passed, never shown again."""

import secrets
from typing import Any

from django.conf import settings
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
from hub.connections.actions import connection_actions
from hub.connections.connecting import connect, connect_links
from hub.connections.connecting.oauth.session import AuthorizationRefused
from hub.connections.connecting.troubleshooting import explain_problem
from hub.connections.credentials import probe, probe_checklist
from hub.connections.forms.connection_forms import ConnectorFieldsForm
from hub.connections.models import ConnectLink
from hub.connections.views.connect_link import find_held_link, render_ended_link
from hub.connections.views.result_pages import render_problem_page
from hub.db.clock import clock


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
def show_guest_form(request: HttpRequest) -> HttpResponse:
    """Nothing is filled in beforehand: what is stored is none of a guest's business."""
    link = find_held_link(request)
    if link is None or link.connector.needs_oauth:
        return render_ended_link(request)
    if link.tenant.suspended:
        return render_problem_page(
            request,
            AuthorizationRefused("tenant_suspended"),
            link.connector,
            back=reverse("connections:link_here"),
        )
    form = ConnectorFieldsForm(
        request.POST or None,
        connector_fields=link.connector.fields,
        current_values={},
        stored_document={},
    )
    context: dict[str, Any] = {"link": link, "connector": link.connector, "form": form}
    if request.method == "POST" and form.is_valid():
        return _connect_tested_input(request, link, form, context)
    return _render_guest_form(request, context)


def _render_guest_form(
    request: HttpRequest, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(request, "connections/guest_form.html", context, status=status)


@sensitive_variables()
def _connect_tested_input(
    request: HttpRequest, link: ConnectLink, form: ConnectorFieldsForm, context: dict[str, Any]
) -> HttpResponse:
    connector, data, now = link.connector, form.cleaned_data, clock()
    draft = connect.draft_connection(
        link.tenant,
        connector.key,
        link.connection.name if link.connection else connector.label,
        data["settings"],
    )
    document, new_secret = connect.add_signing_secret(
        connector, data["document"], random=secrets.token_bytes
    )
    probe_result = probe.probe_credential(draft, document, call=egress.send_request, now=now)
    context["checks"] = probe_checklist.list_probe_steps(probe_result)
    if not probe_result.passed:
        context["problem"] = explain_problem(
            probe_checklist.find_probe_problem(probe_result),
            connector,
            hub=settings.HUB_NAME,
            detail=probe_checklist.describe_failed_probe(probe_result),
        )
        return _render_guest_form(request, context, status=422)
    try:
        options = {"random": secrets.SystemRandom().random, "now": now}
        connection_actions.fulfil_connect_link(
            link, draft, document, probe_result, _build_guest_actor(request, link), **options
        )
    except (connect.AlreadyConnected, connect.ConnectionChangeRefused) as clash:
        form.add_error(None, str(clash))
        return _render_guest_form(request, context, status=409)
    except connect_links.ConnectLinkEnded:
        return render_ended_link(request)
    if new_secret:
        return render(request, "connections/link_done.html", {"secret": new_secret})
    messages.success(request, _("%(name)s is connected.") % {"name": draft.name})
    return HttpResponseRedirect(reverse("connections:link_done"))


def _build_guest_actor(request: HttpRequest, link: ConnectLink) -> ActorContext:
    return ActorContext.of(request, connect_links.build_guest_tenant_user(link).actor)
