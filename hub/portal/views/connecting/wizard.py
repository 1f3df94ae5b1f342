"""The wizard that connects a system: introduction, authorization or form, test, result."""

import secrets
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub import egress
from hub.audit import ActorContext
from hub.connections.connecting.by_form import connect_with_form
from hub.connections.connecting.connector_requests import count_connector_requests
from hub.connections.connecting.form_results import Connected, ConnectionTestFailed, FormInput
from hub.connections.connecting.login_hosts import build_login_choices
from hub.connections.connecting.oauth.pending import find_pending_authorizations
from hub.connections.connecting.oauth.session import AuthorizationRefused
from hub.connections.credentials import account_probe, probe_checklist
from hub.connections.models import Connection, ConnectorApp
from hub.connections.views.form_result_context import describe_failed_test, list_checks
from hub.connections.views.result_pages import render_problem_page
from hub.db.clock import clock
from hub.outgoing.insight.mapping_preview import preview_mappings
from hub.outgoing.insight.missing_identities import find_static_identities
from hub.portal.forms import NewConnectionForm
from hub.portal.views.connecting.pending_attempts import ATTEMPTS_SHOWN, describe_attempt
from hub.portal.views.connections.own_connection import (
    ROUTES_SHOWN,
    filter_routes_to,
    get_own_connection,
    redirect_to_connection,
)
from hub.portal.webhook_status import list_subscriptions
from tenants.access.tenant_users import TenantUser, list_people_to_ask, tenant_view
from tenants.models import Membership

ADMIN = Membership.Role.ADMIN
MAPPINGS_SHOWN = 3


def get_offered_connector(key: str) -> Connector:
    connector = CONNECTORS.get(key)
    if connector is None or connector.is_for_platform:
        raise Http404(key)
    return connector


@require_safe
@tenant_view()
def show_connect_page(
    request: HttpRequest, tenant_user: TenantUser, connector: str
) -> HttpResponse:
    """Show which permissions or credentials connecting requires, before anything is requested."""
    offered_connector = get_offered_connector(connector)
    is_ready = offered_connector.key in ConnectorApp.list_configured_connector_keys()
    existing_connections = (
        Connection.objects.of(tenant_user.tenant)
        .filter(connector_key=offered_connector.key)
        .order_by("name")
    )
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "connector": offered_connector,
        "ready": is_ready,
        "existing_connections": list(existing_connections),
        **build_pending_context(
            request, tenant_user, offered_connector, attempt_id=request.GET.get("waiting", "")
        ),
        "demand": count_connector_requests(
            [] if is_ready else [offered_connector.key], tenant_user.tenant
        ).get(offered_connector.key),
        "managers": list_people_to_ask(tenant_user, ADMIN),
    }
    context |= build_login_choices(offered_connector, **login_of_attempt(context))
    return render(request, "portal/wizard/about.html", context)


def build_pending_context(
    request: HttpRequest,
    tenant_user: TenantUser,
    connector: Connector,
    connection: Connection | None = None,
    *,
    attempt_id: str = "",
) -> dict[str, Any]:
    """Describe the selected or newest pending authorization, for members who may finish it."""
    if not (connector.needs_oauth and tenant_user.can_manage):
        return {}
    now = clock()
    attempts = find_pending_authorizations(tenant_user.tenant, now=now).filter(
        connector_key=connector.key, connection=connection
    )
    newest_attempts = list(attempts.order_by("-pk")[:ATTEMPTS_SHOWN])
    authorization = next(
        (
            authorization
            for authorization in newest_attempts
            if str(authorization.public_id) == attempt_id
        ),
        newest_attempts[0] if newest_attempts else None,
    )
    return (
        {"pending_attempt": describe_attempt(request, authorization, now=now)}
        if authorization
        else {}
    )


def login_of_attempt(context: dict[str, Any]) -> dict[str, str]:
    """Return environment and login host of the pending authorization; empty if there is none."""
    if "pending_attempt" not in context:
        return {}
    attempt = context["pending_attempt"].authorization
    return {"environment": attempt.environment, "login_host": attempt.login_host}


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
@tenant_view(min_role=ADMIN)
def connect_by_form_view(
    request: HttpRequest, tenant_user: TenantUser, connector: str
) -> HttpResponse:
    offered_connector = get_offered_connector(connector)
    if (
        offered_connector.needs_oauth
        or offered_connector.key not in ConnectorApp.list_configured_connector_keys()
    ):
        return HttpResponseRedirect(
            reverse("portal:connect", args=[tenant_user.tenant.reference, offered_connector.key])
        )
    if tenant_user.tenant.suspended:
        return render_suspended_page(request, tenant_user, offered_connector)
    form = NewConnectionForm(request.POST or None, connector=offered_connector)
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "connector": offered_connector,
        "form": form,
    }
    if request.method == "POST" and form.is_valid():
        return connect_after_test(request, tenant_user, form, context)
    return render(request, "portal/wizard/fill_in.html", context)


def render_suspended_page(
    request: HttpRequest, tenant_user: TenantUser, connector: Connector
) -> HttpResponse:
    """Render the page that says that a suspended tenant cannot connect systems."""
    home_url = reverse("portal:home", args=[tenant_user.tenant.reference])
    return render_problem_page(
        request, AuthorizationRefused("tenant_suspended"), connector, back_url=home_url
    )


@sensitive_variables()
def connect_after_test(
    request: HttpRequest, tenant_user: TenantUser, form: NewConnectionForm, context: dict[str, Any]
) -> HttpResponse:
    connector = context["connector"]
    result = connect_with_form(
        tenant_user.tenant,
        connector,
        form.cleaned_data["name"],
        FormInput.from_cleaned_data(form.cleaned_data),
        ActorContext.of_visitor(request, tenant_user),
        connected_by=tenant_user.user,
        call=egress.send_request,
        random=secrets.SystemRandom(),
        now=clock(),
    )
    if isinstance(result, Connected):
        return respond_to_connected(request, tenant_user, result)
    if isinstance(result, ConnectionTestFailed):
        context |= describe_failed_test(result, connector)
        return render(request, "portal/wizard/fill_in.html", context, status=422)
    if result.reason == "tenant_suspended":
        return render_suspended_page(request, tenant_user, connector)
    form.add_error(None, result.detail)
    context |= list_checks(result)
    return render(request, "portal/wizard/fill_in.html", context, status=409)


def respond_to_connected(
    request: HttpRequest, tenant_user: TenantUser, result: Connected
) -> HttpResponse:
    """Show the last step; with a generated signing secret at once, since it is shown only once."""
    if result.signing_secret:
        return render_done_page(
            request, tenant_user, result.connection, secret=result.signing_secret
        )
    reference, connection_id = tenant_user.tenant.reference, result.connection.public_id
    return HttpResponseRedirect(reverse("portal:connected", args=[reference, connection_id]))


@require_safe
@tenant_view()
def show_connected(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the last step while the connection is healthy, otherwise redirect to its page."""
    connection = get_own_connection(tenant_user, id)
    return (
        render_done_page(request, tenant_user, connection)
        if connection.state == "healthy"
        else redirect_to_connection(tenant_user, connection)
    )


def render_done_page(
    request: HttpRequest, tenant_user: TenantUser, connection: Connection, secret: str = ""
) -> HttpResponse:
    """Render the last step; a generated secret is shown this once."""
    routes = list(filter_routes_to(connection)[:ROUTES_SHOWN])
    source = connection.connector.webhook_source
    has_own_url = source is not None and source.url_per == "connection"
    reveals_url = tenant_user.can_manage
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "secret": secret,
        "here": tenant_user.tenant.reference,
        "subscriptions": list_subscriptions(connection, reveals_url=reveals_url)
        if has_own_url
        else [],
        "conversions": preview_mappings(routes[:MAPPINGS_SHOWN], connection),
        "others": routes[MAPPINGS_SHOWN:],
        "missing": find_static_identities(routes, connection),
        "checks": probe_checklist.list_probe_steps(
            account_probe.ProbeResult(
                account_probe.Account(connection.account, connection.account_name)
            )
        ),
    }
    return render(request, "portal/wizard/done.html", context)
