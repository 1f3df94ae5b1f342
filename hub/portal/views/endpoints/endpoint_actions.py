"""Actions on a customer's endpoint: events and filter, headers, test event, recovery."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub.audit import ActorContext
from hub.audit.own_reasons import REQUESTED_AT_ENDPOINT
from hub.connections.actions import connection_actions
from hub.connections.actions.signing_secret_actions import SECRET_ACTIONS
from hub.connections.credentials import custom_headers
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.db.clock import clock
from hub.outgoing.insight.examples import list_event_types
from hub.outgoing.operations import planning
from hub.outgoing.subscriptions.endpoint_routes import (
    ENDPOINT_ACTIONS,
    load_endpoint_routes,
    subscribe_endpoint,
)
from hub.portal.actions import ActionPages, PerformedAction, build_action_view
from hub.portal.endpoints.filter_matches import match_recent_events
from hub.portal.endpoints.forms import (
    FIELD_NAMES,
    RATE_SETTING,
    ConditionForm,
    CustomHeadersForm,
    EventSelectionForm,
    RateLimitForm,
    RecoveryForm,
)
from hub.portal.views.endpoints.endpoint_pages import (
    ADMIN,
    get_endpoint,
    redirect_to_endpoint,
    render_endpoint_page,
)
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser, tenant_view

# --- which events ---------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=ADMIN)
def choose_events_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Change event types and filter; *Try it* shows recent events that match and saves nothing."""
    endpoint = get_endpoint(tenant_user, id)
    subscription = load_endpoint_routes(endpoint)
    data, condition_form = apply_condition(request)
    form = EventSelectionForm(
        data,
        known_types=list_event_types(tenant_user.tenant),
        shared_routes=subscription.shared_routes,
        selected=subscription.patterns,
        initial={"filter": subscription.filter},
    )
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "endpoint": endpoint,
        "form": form,
        "subscription": subscription,
        "more": condition_form,
    }
    if request.method == "POST" and form.is_valid():
        if not {"try", "add"} & request.POST.keys() and save_subscription(
            request, tenant_user, endpoint, form
        ):
            return redirect_to_endpoint(tenant_user, endpoint)
        context["matches"] = match_recent_events(
            tenant_user.tenant, form.patterns, form.cleaned_data.get("filter", "")
        )
    elif request.method != "POST":
        context["matches"] = match_recent_events(
            tenant_user.tenant, subscription.patterns, subscription.filter
        )
    return render(request, "portal/endpoints/events.html", context)


def apply_condition(request: HttpRequest) -> tuple[Any, ConditionForm]:
    """Add the entered condition to the filter if the user asked for it.

    Return the submitted data (None for GET) and the condition form, which is empty after adding.
    """
    if "add" not in request.POST:
        return request.POST or None, ConditionForm()
    data, condition_form = request.POST.copy(), ConditionForm(request.POST)
    if not condition_form.is_valid():
        return data, condition_form
    try:
        data["filter"] = condition_form.extend_filter(data.get("filter", ""))
    except ValueError as error:
        condition_form.add_error(None, str(error))
        return data, condition_form
    return data, ConditionForm()


def save_subscription(
    request: HttpRequest, tenant_user: TenantUser, endpoint: Connection, form: EventSelectionForm
) -> bool:
    actor, filter = ActorContext.of_visitor(request, tenant_user), form.cleaned_data["filter"]
    with show_refusal(request, form, FIELD_NAMES):
        subscribe_endpoint(endpoint, form.patterns, actor, filter=filter, now=clock())
        messages.success(request, _("Saved. It applies to new events."))
    return form.is_valid()


@require_safe
@tenant_view(min_role=ADMIN)
def preview_matches(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show which recent events match, while the user types the filter."""
    endpoint = get_endpoint(tenant_user, id)
    form = EventSelectionForm(
        request.GET,
        known_types=list_event_types(tenant_user.tenant),
        shared_routes=load_endpoint_routes(endpoint).shared_routes,
    )
    context: dict[str, Any] = {"tenant_user": tenant_user}
    if form.is_valid():
        context["matches"] = match_recent_events(
            tenant_user.tenant, form.patterns, form.cleaned_data["filter"]
        )
    else:
        errors = form.errors.get("filter") or form.errors.get("others") or ()
        context["trouble"] = " ".join(map(str, errors))
    return render(request, "portal/endpoints/matches.html", context)


# --- how it is called -----------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
@tenant_view(min_role=ADMIN)
@sensitive_variables()
def change_headers_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    endpoint = get_endpoint(tenant_user, id)
    names = custom_headers.list_header_names(endpoint)
    form = CustomHeadersForm(request.POST or None, names=names)
    if request.method == "POST" and form.is_valid():
        try:
            removed_names = form.cleaned_data.get("drop", ())
            connection_actions.change_custom_headers(
                endpoint,
                form.header_to_set,
                removed_names,
                ActorContext.of_visitor(request, tenant_user),
                now=clock(),
            )
        except (ValueError, CannotOpen) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved. It applies from the next call."))
            return redirect_to_endpoint(tenant_user, endpoint)
    context = {"tenant_user": tenant_user, "endpoint": endpoint, "form": form, "names": names}
    return render(request, "portal/endpoints/headers.html", context)


@require_POST
@tenant_view(min_role=ADMIN)
def change_rate_limit_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    endpoint = get_endpoint(tenant_user, id)
    form = RateLimitForm(request.POST, endpoint=endpoint)
    if form.is_valid():
        connection_actions.change_connection_settings(
            endpoint,
            {RATE_SETTING: form.cleaned_data[RATE_SETTING]},
            ActorContext.of_visitor(request, tenant_user),
            now=clock(),
        )
        messages.success(request, _("Saved. It applies from the next call."))
        return redirect_to_endpoint(tenant_user, endpoint)
    return render_endpoint_page(request, tenant_user, endpoint, rate_form=form)


# --- sending --------------------------------------------------------------------------------------


def _show_secret(
    request: HttpRequest, tenant_user: TenantUser, endpoint: Connection, done: PerformedAction
) -> HttpResponse | None:
    """Render the page of the endpoint with the signing secret, if the action reveals it."""
    once = done.action.show_once(done.result)
    if once is None:
        return None
    stored = get_endpoint(tenant_user, endpoint.public_id)
    return render_endpoint_page(request, tenant_user, stored, secret=once.text)


run_endpoint_action = build_action_view(
    ActionPages(
        actions={**ENDPOINT_ACTIONS, **SECRET_ACTIONS}, find=get_endpoint, respond=_show_secret
    )
)


@require_POST
@tenant_view(min_role=ADMIN)
def plan_recovery_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Redirect to the plan of a recovery: retry failed deliveries, or send missing events."""
    endpoint, now, form = get_endpoint(tenant_user, id), clock(), RecoveryForm(request.POST)
    if not form.is_valid():
        return redirect_to_endpoint(tenant_user, endpoint)
    since = now - timedelta(hours=form.cleaned_data["hours"])
    if form.cleaned_data["scope"] == "failed":
        plan_query = {
            "state": "failed",
            "connection": endpoint.public_id,
            "stopped_since": since.isoformat(),
        }
        return HttpResponseRedirect(
            f"{reverse('portal:plan', args=[tenant_user.tenant.reference])}?{urlencode(plan_query)}"
        )
    operation = planning.plan_backfill(
        endpoint,
        since=since,
        reason=REQUESTED_AT_ENDPOINT,
        actor=ActorContext.of_visitor(request, tenant_user),
        now=now,
    )
    return HttpResponseRedirect(
        reverse("portal:operation", args=[tenant_user.tenant.reference, operation.public_id])
    )
