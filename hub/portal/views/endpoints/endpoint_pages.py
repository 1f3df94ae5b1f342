"""Customers' own webhook endpoints: the list, the form of a new one, and each one's page."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from connectors.registry import ENDPOINT_CONNECTOR
from hub import egress
from hub.audit import ActorContext
from hub.connections.actions.declared_actions import CONNECTION_ACTIONS
from hub.connections.connecting.by_form import connect_with_form
from hub.connections.connecting.form_results import (
    Connected,
    ConnectionTestFailed,
    FormInput,
    FormResult,
)
from hub.connections.credentials import custom_headers, probe_checklist
from hub.connections.credentials.signing_secrets import OVERLAP, SigningStatus, read_signing_status
from hub.connections.models import Connection
from hub.connections.status.connection_status import describe_statuses
from hub.crypto.sealed import CannotOpen
from hub.db.clock import clock
from hub.outgoing.insight.endpoint_stats import (
    ANSWER_PARTS,
    EndpointStats,
    compute_endpoint_stats,
)
from hub.outgoing.insight.examples import list_event_types
from hub.outgoing.insight.explain import readable_deliveries
from hub.outgoing.insight.log_rows import build_log_row
from hub.outgoing.models import Delivery, Route
from hub.outgoing.subscriptions.endpoint_routes import (
    load_endpoint_routes,
    subscribe_endpoint,
)
from hub.portal.actions import list_possible_actions
from hub.portal.endpoints.forms import FIELD_NAMES, AddEndpointForm, RateLimitForm, RecoveryForm
from hub.portal.navigation import reverse_object_page
from hub.portal.views.connecting.wizard import render_suspended_page
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership

ENDPOINTS_SHOWN, DELIVERIES_SHOWN = 200, 5
ADMIN = Membership.Role.ADMIN


def filter_endpoints(tenant_user: TenantUser) -> QuerySet[Connection]:
    return Connection.objects.of(tenant_user.tenant).filter(connector_key=ENDPOINT_CONNECTOR.key)


def get_endpoint(tenant_user: TenantUser, id: UUID) -> Connection:
    endpoints = filter_endpoints(tenant_user).select_related("tenant", "lane", "credential")
    endpoint = endpoints.filter(public_id=id).first()
    if endpoint is None:
        raise Http404(id)
    return endpoint


def redirect_to_endpoint(tenant_user: TenantUser, endpoint: Connection) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse_object_page("portal:endpoint", tenant_user.tenant, endpoint)
    )


@require_safe
@tenant_view()
def list_endpoints(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    endpoints = list(
        filter_endpoints(tenant_user)
        .select_related("lane", "tenant")
        .order_by("name")[:ENDPOINTS_SHOWN]
    )
    stats = (
        compute_endpoint_stats(
            Delivery.objects.of(tenant_user.tenant),
            [endpoint.pk for endpoint in endpoints],
            now=clock(),
        )
        if endpoints
        else {}
    )
    endpoint_rows = [
        (endpoint, connection_status, stats.get(endpoint.pk, EndpointStats()))
        for endpoint, connection_status in describe_statuses(endpoints)
    ]
    return render(
        request,
        "portal/endpoints/list.html",
        {"tenant_user": tenant_user, "endpoints": endpoint_rows},
    )


# --- a new one ------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@tenant_view(min_role=ADMIN)
def add_endpoint_view(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    if tenant_user.tenant.suspended:
        return render_suspended_page(request, tenant_user, ENDPOINT_CONNECTOR)
    shared_routes = (
        Route.objects.of(tenant_user.tenant)
        .filter(connection=None, connector_key=ENDPOINT_CONNECTOR.key, enabled=True)
        .order_by("event_type")
    )
    form = AddEndpointForm(
        request.POST or None,
        known_types=list_event_types(tenant_user.tenant),
        shared_routes=shared_routes,
    )
    context: dict[str, Any] = {"tenant_user": tenant_user, "form": form, "shared": shared_routes}
    if request.method == "POST" and form.is_valid():
        return add_tested_endpoint(request, tenant_user, form, context)
    return render(request, "portal/endpoints/add.html", context)


@sensitive_variables()
def add_tested_endpoint(
    request: HttpRequest, tenant_user: TenantUser, form: AddEndpointForm, context: dict[str, Any]
) -> HttpResponse:
    """Test the endpoint, then store it together with its routes; store nothing if the test fails.

    The user may choose to store an endpoint whose test failed.
    """
    with show_refusal(request, form, FIELD_NAMES):
        result = connect_and_subscribe(
            tenant_user, form, ActorContext.of_visitor(request, tenant_user), now=clock()
        )
    if not form.is_valid():
        return render(request, "portal/endpoints/add.html", context, status=409)
    if isinstance(result, Connected):
        return respond_to_added(request, tenant_user, result)
    if isinstance(result, ConnectionTestFailed):
        context |= {
            "finding": result.probe_result,
            "checks": probe_checklist.list_probe_steps(result.probe_result),
            "told": probe_checklist.describe_failed_probe(result.probe_result),
        }
        return render(request, "portal/endpoints/add.html", context, status=422)
    if result.reason == "tenant_suspended":
        return render_suspended_page(request, tenant_user, ENDPOINT_CONNECTOR)
    form.add_error(None, result.detail)
    return render(request, "portal/endpoints/add.html", context, status=409)


@sensitive_variables()
def connect_and_subscribe(
    tenant_user: TenantUser, form: AddEndpointForm, actor: ActorContext, *, now: datetime
) -> FormResult:
    """Connect the endpoint and choose its events. Raises AlreadySubscribed, and stores nothing."""
    data = form.cleaned_data

    def subscribe(endpoint: Connection) -> None:
        subscribe_endpoint(endpoint, form.patterns, actor, now=now)

    return connect_with_form(
        tenant_user.tenant,
        ENDPOINT_CONNECTOR,
        data["name"],
        FormInput({"url": data["url"]}, {}),
        actor,
        connected_by=tenant_user.user,
        allow_untested=data["anyway"],
        on_stored=subscribe,
        call=egress.send_request,
        random=secrets.SystemRandom(),
        now=now,
    )


def respond_to_added(
    request: HttpRequest, tenant_user: TenantUser, result: Connected
) -> HttpResponse:
    """Show the page of the new endpoint with its signing secret, which is shown this once."""
    messages.success(request, _("%(name)s has been added.") % {"name": result.connection.name})
    endpoint = get_endpoint(tenant_user, result.connection.public_id)
    return render_endpoint_page(request, tenant_user, endpoint, secret=result.signing_secret)


# --- the page of one ------------------------------------------------------------------------------


@require_safe
@tenant_view()
def show_endpoint(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    return render_endpoint_page(request, tenant_user, get_endpoint(tenant_user, id))


def render_endpoint_page(
    request: HttpRequest,
    tenant_user: TenantUser,
    endpoint: Connection,
    *,
    secret: str = "",
    rate_form: RateLimitForm | None = None,
) -> HttpResponse:
    """Render the page of an endpoint. secret: the signing secret, if just revealed or changed."""
    now = clock()
    subscription = load_endpoint_routes(endpoint)
    deliveries = Delivery.objects.of(tenant_user.tenant)
    stats = compute_endpoint_stats(deliveries, [endpoint.pk], now=now)[endpoint.pk]
    recent = readable_deliveries().filter(connection=endpoint).order_by("-pk")[:DELIVERIES_SHOWN]
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "endpoint": endpoint,
        "status": describe_statuses([endpoint])[0][1],
        "actions": list_possible_actions(CONNECTION_ACTIONS, endpoint),
        "subscription": subscription,
        "figures": stats,
        "hours": stats.list_hours(now=now),
        "parts": ANSWER_PARTS,
        "lines": [build_log_row(delivery) for delivery in recent],
        "since": RecoveryForm(),
        "overlap": OVERLAP,
        "signing": read_signing(endpoint, now=now),
        "headers": custom_headers.list_header_names(endpoint),
        "pace": rate_form or RateLimitForm(endpoint=endpoint),
        "secret": secret,
    }
    return render(request, "portal/endpoints/endpoint.html", context)


def read_signing(endpoint: Connection, *, now: Any) -> SigningStatus | None:
    try:
        return read_signing_status(endpoint, now=now)
    except CannotOpen:
        return None
