"""The page of a delivery: state and remedy, then checks and attempts; and its actions."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from hub.mappings.translate import IdentityMissing
from hub.outgoing.insight.delivery_facts.page import (
    build_delivery_context,
    build_status_context,
)
from hub.outgoing.insight.delivery_facts.same_error import count_same_error
from hub.outgoing.insight.explain import readable_deliveries
from hub.outgoing.insight.remedies import Cause, Remedy, find_remedy
from hub.outgoing.models import Delivery
from hub.outgoing.operations.delivery_actions import DELIVERY_ACTIONS
from hub.portal.actions import ActionPages, build_action_view, list_possible_actions
from hub.portal.display_preferences import resolve_display_zone
from hub.portal.navigation import reverse_or_empty
from hub.portal.views.etag import respond_if_modified
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.scoping import changeable_condition, tenant_condition

LIVE_TEMPLATE = "portal/log/delivery_live.html"


def get_delivery(tenant_user: TenantUser, id: UUID) -> Delivery:
    deliveries = (
        readable_deliveries()
        .select_related("mapping_version__mapping")
        .filter(tenant_condition(Delivery, tenant_user.tenant))
    )
    delivery = deliveries.filter(public_id=id).first()
    if delivery is None:
        raise Http404(id)
    return delivery


def can_change_delivery(tenant_user: TenantUser, delivery: Delivery) -> bool:
    """Return whether this visitor may retry, cancel, skip or send the delivery again."""
    changeable_deliveries = Delivery.unscoped.filter(
        changeable_condition(Delivery, [tenant_user.tenant.pk])
    )
    return tenant_user.can_manage and changeable_deliveries.filter(pk=delivery.pk).exists()


@require_safe
@tenant_view()
def show_delivery(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    delivery, now = get_delivery(tenant_user, id), clock()
    is_allowed = can_change_delivery(tenant_user, delivery)
    context = {
        "tenant_user": tenant_user,
        "actions": list_possible_actions(DELIVERY_ACTIONS, delivery) if is_allowed else (),
        "may_change": is_allowed,
        "live_url": reverse(
            "portal:delivery_live", args=[tenant_user.tenant.reference, delivery.public_id]
        ),
        "live_template": LIVE_TEMPLATE,
        **build_live_context(delivery),
        **build_same_error_context(tenant_user, delivery),
    }
    with timezone.override(resolve_display_zone(request)):
        context |= build_delivery_context(
            delivery, with_exchanges=has_own_connection(delivery), now=now
        )
    return render(request, "portal/log/delivery.html", context)


@require_safe
@tenant_view()
def show_delivery_status(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Render the part of the page that updates itself; reload the rest if it changed, too."""
    delivery = get_delivery(tenant_user, id)
    context = {
        "tenant_user": tenant_user,
        "may_change": can_change_delivery(tenant_user, delivery),
        **build_live_context(delivery),
    }
    response = render(request, LIVE_TEMPLATE, context)
    if request.GET.get("seen", "") != context["seen"]:
        response["HX-Trigger"] = "moved"
        return response
    return respond_if_modified(request, response)


def build_live_context(delivery: Delivery) -> dict[str, Any]:
    """Return the context of the page's first part: state, remedy and next attempt."""
    context = build_status_context(delivery)
    remedy = find_remedy(delivery, context["state"])
    remedy_url = build_remedy_url(delivery, remedy) if remedy else ""
    return {**context, "remedy": remedy, "remedy_url": remedy_url}


def has_own_connection(delivery: Delivery) -> bool:
    """Return whether the delivery goes to the tenant's own connection, not to the platform's."""
    connection = delivery.connection
    return connection is not None and connection.tenant_id == delivery.tenant_id


def build_same_error_context(tenant_user: TenantUser, delivery: Delivery) -> dict[str, Any]:
    """Return how many other deliveries of this tenant stopped alike, and the page for them all."""
    same_error = count_same_error(delivery, [tenant_user.tenant.pk], of_connection=True)
    plan_url = ""
    if same_error and same_error.query and tenant_user.can_manage:
        page = reverse("portal:plan", args=[tenant_user.tenant.reference])
        plan_url = f"{page}?{urlencode(same_error.query)}"
    return {"same_error": same_error, "plan_url": plan_url}


run_delivery_action = build_action_view(
    ActionPages(
        actions=DELIVERY_ACTIONS,
        find=get_delivery,
        is_allowed=lambda tenant_user, action, delivery: can_change_delivery(tenant_user, delivery),
    )
)


def build_remedy_url(delivery: Delivery, remedy: Remedy) -> str:
    """Return the URL; empty if only the operator, or a button of the delivery, is the remedy."""
    if remedy.action or remedy.is_of_operator:
        return ""
    if remedy.cause is Cause.IDENTITY:
        return _reverse_identity_page(delivery)
    return _reverse_connection_page(delivery) if remedy.cause is Cause.CONNECTION else ""


def _reverse_connection_page(delivery: Delivery) -> str:
    reference = delivery.tenant.reference
    home = reverse_or_empty("portal:home", reference)
    if delivery.connection is None:
        return reverse_or_empty("portal:catalogue", reference) or home
    is_endpoint = delivery.connection.connector_key == "webhook"
    name = "portal:endpoint" if is_endpoint else "portal:connection"
    return reverse_or_empty(name, reference, delivery.connection.public_id) or home


def _reverse_identity_page(delivery: Delivery) -> str:
    """Return the URL of the page that adds the missing identity.

    It is the connection's page if the delivery's detail was cut and no longer names the identity.
    """
    connection, missing = delivery.connection, IdentityMissing.parse(delivery.detail)
    if connection is None or missing is None:
        return _reverse_connection_page(delivery)
    query = urlencode(dict(zip(("kind", "local_id"), missing, strict=True)))
    tenant_reference = delivery.tenant.reference
    page = reverse_or_empty("portal:identity_say", tenant_reference, connection.public_id)
    return f"{page}?{query}"
