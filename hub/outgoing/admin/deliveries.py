"""Admin of deliveries: their states, why one was not delivered, and the actions on it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from hub.db.clock import clock
from hub.mappings.translate import IdentityMissing
from hub.operations.plan_views import PlanningListMixin
from hub.outgoing.insight.delivery_facts.page import (
    build_delivery_context,
    build_status_context,
)
from hub.outgoing.insight.delivery_facts.same_error import count_same_error
from hub.outgoing.insight.explain import (
    match_effective_reason,
    match_effective_state,
    resolve_effective_state,
)
from hub.outgoing.insight.remedies import Cause, Remedy, find_remedy
from hub.outgoing.insight.search.conditions import (
    INDEXED_STOPPED_STATES,
    STOPPED_CONDITION,
    match_deliveries,
    match_states_of_reason,
)
from hub.outgoing.models import Delivery
from hub.outgoing.operations.delivery_actions import DELIVERY_ACTIONS
from hub.outgoing.queue.ordering import find_queue_head
from hub.reason_codes import REASONS
from hub.staff import (
    ConnectorFilter,
    EmptyStep,
    Filter,
    SinceFilter,
    build_filter_chips,
    build_since_chips,
    display,
    render_badge,
    render_time,
)
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import accessible_tenants


class StateFilter(Filter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(value, str(label)) for value, label in Delivery.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in Delivery.State.values:
            return queryset
        indexed = [STOPPED_CONDITION] if self.value() in INDEXED_STOPPED_STATES else []
        return queryset.filter(match_effective_state(self.value()), *indexed)


class ReasonFilter(Filter):
    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(code, code.replace("_", " ")) for code in REASONS if code != "no_route"]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in REASONS:
            return queryset
        return queryset.filter(
            match_states_of_reason(self.value()), match_effective_reason(self.value())
        )


@admin.register(Delivery)
class DeliveryAdmin(PlanningListMixin, ReadOnlyAdmin):
    declared_actions = DELIVERY_ACTIONS
    empty_text = (
        "A delivery is an event on its way to one system. The first one appears with the "
        "first event that a route matches."
    )
    empty_step = EmptyStep("Send a test event", "admin:outgoing_event_send", "outgoing.add_event")
    page_template = "outgoing/delivery.html"
    live_template = "outgoing/delivery_live.html"
    list_before_template = "outgoing/delivery_chips.html"
    planning_url = "admin:operations_operation_plan"
    plan_filters: ClassVar[Mapping[str, str]] = {
        name: name for name in ("state", "reason", "connector", "tenant", "since")
    }
    plan_ids_field = "deliveries"
    list_display = (
        "shown_state",
        "reason_text",
        "event_type",
        "customer",
        "target",
        "attempts_text",
        "age",
    )
    list_filter = (StateFilter, ReasonFilter, ConnectorFilter, TenantFilter, SinceFilter)
    list_select_related = ("event", "tenant", "route", "connection__lane")
    search_fields = ("public_id",)
    search_help_text = "The id of a delivery or an event, a msg_ id, or the sender's id; exact"
    list_display_links = ("shown_state", "event_type")
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super()
            .get_queryset(request)
            .select_related("event", "route__mapping", "tenant", "connection__lane")
        )

    def match_search(self, request: HttpRequest, term: str) -> Q:
        return match_deliveries(term, accessible_tenants(request.user))

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "state_chips": build_filter_chips(
                request,
                "state",
                [(value, label.lower()) for value, label in Delivery.State.choices],
            ),
            "since_chips": build_since_chips(request),
            "all_url": self.build_planning_url_of_list(request),
        }

    def can_plan(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outgoing.change_delivery")

    @admin.action(description="Retry, replay, cancel or skip…")
    def plan_for_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        return self.redirect_to_plan(request, queryset)

    def suggested_action(self, delivery: Delivery) -> str:
        return "retry" if delivery.state == "failed" else ""

    # --- columns ---

    @display(description="state")
    def shown_state(self, delivery: Delivery) -> str:
        return render_badge(resolve_effective_state(delivery).state)

    @display(description="reason")
    def reason_text(self, delivery: Delivery) -> str:
        effective_state = resolve_effective_state(delivery)
        return effective_state.sentence if effective_state.reason else "–"

    @display(description="event")
    def event_type(self, delivery: Delivery) -> str:
        """Return the event type with the sender's id, which both our staff and the tenant know."""
        return format_html(
            '{}<br><span class="hub-quiet">{}</span>', delivery.event.type, delivery.event.sender_id
        )

    @display(description="destination")
    def target(self, delivery: Delivery) -> str:
        return (
            str(delivery.connection)
            if delivery.connection
            else f"{delivery.route.connector_key} (not connected)"
        )

    @display(description="attempts")
    def attempts_text(self, delivery: Delivery) -> int:
        return delivery.attempt_count

    @display(description="accepted")
    def age(self, delivery: Delivery) -> str:
        return render_time(delivery.accepted_at)

    # --- its page ---

    def title_of(self, delivery: Delivery) -> str:
        return f"{delivery.event.type} to {delivery.connection or delivery.route.connector_key}"

    def live_context(self, delivery: Delivery, *, now: datetime) -> dict[str, Any]:
        context = build_status_context(delivery)
        remedy = find_remedy(delivery, context["state"])
        return {**context, "remedy_url": build_remedy_url(delivery, remedy) if remedy else ""}

    def page_context(self, request: HttpRequest, delivery: Delivery) -> dict[str, Any]:
        same_error = count_same_error(delivery, accessible_tenants(request.user))
        plan_query = same_error.query if same_error and self.can_plan(request) else {}
        return {
            **build_delivery_context(delivery, with_exchanges=True, now=clock()),
            "shows_technical": True,
            "same_error": same_error,
            "plan_url": self.build_planning_url(plan_query) if plan_query else "",
            "curl": f'curl -H "Authorization: Bearer $HUB_KEY" {_build_api_url(delivery)}',
        }


def _build_api_url(delivery: Delivery) -> str:
    return f"{settings.HUB_PUBLIC_URL}{reverse('delivery', args=[delivery.public_id])}"


def build_remedy_url(delivery: Delivery, remedy: Remedy) -> str:
    """Return the URL, by default of the connection; empty if a button is the remedy."""
    match remedy.cause:
        case cause if remedy.action or cause is None:
            return ""
        case Cause.IDENTITY:
            missing = IdentityMissing.parse(delivery.detail)
            pair = dict(zip(("kind", "local_id"), missing or (), strict=False))
            query = {"connection": delivery.connection_id or "", **pair}
            return f"{reverse('admin:mappings_identity_add')}?{urlencode(query)}"
        case Cause.KILL_SWITCH:
            return reverse("admin:connections_killswitch_changelist")
        case Cause.QUEUE_HEAD:
            head = find_queue_head(delivery)
            return reverse("admin:outgoing_delivery_change", args=[head.pk]) if head else ""
        case Cause.ROUTE:
            return reverse("admin:outgoing_route_change", args=[delivery.route_id])
        case Cause.MAPPING:
            mapping_id = delivery.route.mapping_id
            return reverse("admin:mappings_fieldmapping_change", args=[mapping_id])
        case Cause.TENANT:
            return reverse("admin:tenants_tenant_change", args=[delivery.tenant_id])
    return _build_connection_url(delivery)


def _build_connection_url(delivery: Delivery) -> str:
    if delivery.connection_id is not None:
        return reverse("admin:connections_connection_change", args=[delivery.connection_id])
    query = urlencode({"tenant": delivery.tenant.reference})
    return f"{reverse('admin:connections_connection_changelist')}?{query}"
