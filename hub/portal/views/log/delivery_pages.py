"""The page of a delivery: state and remedy, then checks and attempts; and its actions."""

from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.limits.spending import spend_tenant_limit
from hub.outgoing.insight.delivery_facts.last_arrival import compare_with_last_arrival
from hub.outgoing.insight.delivery_facts.phases import find_call_times, measure_phases
from hub.outgoing.insight.delivery_facts.same_error import count_same_error
from hub.outgoing.insight.explain import (
    explain_delivery,
    readable_deliveries,
    resolve_effective_state,
)
from hub.outgoing.insight.timeline import build_timeline
from hub.outgoing.models import FINAL_STATES, Delivery
from hub.outgoing.operations.conditions import CONDITIONS
from hub.outgoing.operations.delivery_actions import LIMITED_ACTIONS, apply_delivery_action
from hub.portal.display_preferences import resolve_display_zone
from hub.portal.log.remedies import find_delivery_remedy
from hub.portal.log.rows import build_log_row
from hub.portal.views.etag import respond_if_modified
from hub.state_texts import STATE_TONES
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership
from tenants.scoping import changeable_condition, tenant_condition

MAX_SIBLINGS = 50


class DeliveryAction(NamedTuple):
    label: str | Promise
    confirmation: str | Promise  # shown to the user before the action
    success_text: str | Promise


DELIVERY_ACTION_TEXTS = {
    "retry": DeliveryAction(
        gettext_lazy("Retry now"),
        gettext_lazy(
            "Sends the same message again immediately: with the same content and ID, to the "
            "current address and with the current secret. Routes are not evaluated again."
        ),
        gettext_lazy("The delivery is being retried."),
    ),
    "send_again": DeliveryAction(
        gettext_lazy("Replay"),
        gettext_lazy(
            "Creates a new delivery with the current filter, mapping, address and secret. It "
            "has the same ID: a system that supports IDs accepts it once, others may show it "
            "twice."
        ),
        gettext_lazy("The new delivery has been created."),
    ),
    "cancel": DeliveryAction(
        gettext_lazy("Cancel"),
        gettext_lazy("The delivery is not sent and not attempted again. It can be retried later."),
        gettext_lazy("The delivery has been cancelled."),
    ),
    "skip": DeliveryAction(
        gettext_lazy("Skip"),
        gettext_lazy(
            "The delivery is closed permanently, and later deliveries of an ordered route "
            "continue. It can still be replayed."
        ),
        gettext_lazy("The delivery has been skipped."),
    ),
}


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
    siblings = (
        readable_deliveries()
        .filter(event=delivery.event_id)
        .exclude(pk=delivery.pk)
        .order_by("pk")[:MAX_SIBLINGS]
    )
    is_allowed = can_change_delivery(tenant_user, delivery)
    possible_actions = {
        name: action
        for name, action in DELIVERY_ACTION_TEXTS.items()
        if CONDITIONS[name].is_met(delivery)
    }
    context = {
        "tenant_user": tenant_user,
        "verbs": possible_actions if is_allowed else {},
        "may_change": is_allowed,
        "siblings": [build_log_row(sibling) for sibling in siblings],
        **build_status_context(delivery, now=now),
    }
    with timezone.override(resolve_display_zone(request)):
        context |= build_technical_context(delivery, now=now)
        context |= build_insight_context(tenant_user, delivery, now=now)
    return render(request, "portal/log/delivery.html", context)


@require_safe
@tenant_view()
def show_delivery_status(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Render the part of the page that updates itself; reload the rest if it changed, too."""
    delivery = get_delivery(tenant_user, id)
    context = {
        "tenant_user": tenant_user,
        "may_change": can_change_delivery(tenant_user, delivery),
        **build_status_context(delivery, now=clock()),
    }
    response = render(request, "portal/log/delivery_live.html", context)
    if request.GET.get("seen", "") != context["seen"]:
        response["HX-Trigger"] = "moved"
        return response
    return respond_if_modified(request, response)


def build_status_context(delivery: Delivery, *, now: datetime) -> dict[str, Any]:
    """Return the context of the page's first part: state, remedy and next attempt."""
    effective_state = resolve_effective_state(delivery)
    return {
        "delivery": delivery,
        "state": effective_state,
        "picture": STATE_TONES[effective_state.state][1],
        "line": build_log_row(delivery),
        "remedy": find_delivery_remedy(delivery, effective_state),
        "next_try": delivery.due_at if effective_state.state == "waiting" else None,
        "ended": effective_state.state in FINAL_STATES,
        "seen": f"{effective_state.state}.{delivery.attempt_count}",
    }


def build_technical_context(delivery: Delivery, *, now: datetime) -> dict[str, Any]:
    """Return the context of the folded part: the checks in order, and each attempt."""
    explanation = explain_delivery(delivery, now=now)
    has_arrived = explanation.effective_state.state == "delivered"
    return {
        "checks": [check for check in explanation.checks if check.passed or not has_arrived],
        "cause": None if has_arrived else explanation.first_failed_check,
        # calls on the platform's connection also carry messages of others
        "steps": build_timeline(delivery, with_exchanges=has_own_connection(delivery)),
    }


def has_own_connection(delivery: Delivery) -> bool:
    """Return whether the delivery goes to the tenant's own connection, not to the platform's."""
    connection = delivery.connection
    return connection is not None and connection.tenant_id == delivery.tenant_id


def build_insight_context(
    tenant_user: TenantUser, delivery: Delivery, *, now: datetime
) -> dict[str, Any]:
    """Return the context of comparisons with other deliveries, all of them this tenant's own."""
    same_error = count_same_error(delivery, [tenant_user.tenant.pk], of_connection=True)
    plan_url = ""
    if same_error and same_error.query and tenant_user.can_manage:
        page = reverse("portal:plan", args=[tenant_user.tenant.reference])
        plan_url = f"{page}?{urlencode(same_error.query)}"
    return {
        "phases": measure_phases(delivery, find_call_times(delivery), now=now),
        "comparison": compare_with_last_arrival(
            delivery, with_exchanges=has_own_connection(delivery)
        ),
        "same_error": same_error,
        "plan_url": plan_url,
    }


@require_POST
@tenant_view(min_role=Membership.Role.ADMIN)
def run_delivery_action(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, verb: str
) -> HttpResponse:
    if verb not in DELIVERY_ACTION_TEXTS:
        raise Http404(verb)
    delivery, now = get_delivery(tenant_user, id), clock()
    if not can_change_delivery(tenant_user, delivery):
        raise PermissionDenied
    before = resolve_effective_state(delivery)
    try:
        with transaction.atomic():
            if verb in LIMITED_ACTIONS:
                spend_tenant_limit(tenant_user.tenant, "replays", now=now)
            actor = ActorContext.of_visitor(request, tenant_user)
            after = apply_delivery_action(verb, delivery, actor=actor, now=now)
    except InvalidTransition:
        messages.warning(
            request, _("Not possible in the current state: %(why)s") % {"why": before.sentence}
        )
        after = delivery
    else:
        messages.success(request, str(DELIVERY_ACTION_TEXTS[verb].success_text))
    return HttpResponseRedirect(
        reverse("portal:delivery", args=[tenant_user.tenant.reference, after.public_id])
    )
