"""Admin of inbound items: the inbox, and the page of an item with its result and its replay."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.incoming.insight.outcomes import load_outcome
from hub.incoming.insight.rows import build_row
from hub.incoming.insight.search import match_items
from hub.incoming.models import InboundItem
from hub.incoming.processing.replay import ITEM_ACTIONS, plan_replay
from hub.operations.forms import (
    ANY_CHOICE,
    SelectedIdsField,
    SelectionPlanForm,
)
from hub.operations.models import Operation
from hub.operations.plan_views import PlanningListMixin, PlanViews
from hub.outgoing.insight.log_rows import build_log_row
from hub.outgoing.models import EVENT_TYPE
from hub.staff import (
    ChoicesFilter,
    EmptyStep,
    EventTypeFilter,
    MomentField,
    OwnConnectorFilter,
    SinceFilter,
    build_filter_chips,
    build_since_chips,
    display,
    render_badge,
    render_time,
)
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import accessible_tenants

STATE_PARAMETER = "state__exact"
SELECTED_LIMIT = 1000  # items that are selected one by one


class ReplayPlanForm(SelectionPlanForm):
    items = SelectedIdsField("items", SELECTED_LIMIT)
    state = forms.ChoiceField(choices=[*ANY_CHOICE, *InboundItem.State.choices], required=False)
    connector = forms.ChoiceField(
        choices=[*ANY_CHOICE, *((entry.key, entry.label) for entry in CONNECTORS.values())],
        required=False,
    )
    type = forms.CharField(
        max_length=120, required=False, label="Event type", validators=[EVENT_TYPE]
    )
    since = MomentField(
        required=False, label="Received since", help_text="UTC, such as 2026-11-25 12:00."
    )

    filter_fields = ("state", "connector", "type", "since", "items")
    no_filter_error = "Set a filter. Without one, all items would be replayed."
    reason_label = "Reason for this replay"
    no_tenant_error = "Enter the tenant. A replay covers one tenant."


@admin.register(InboundItem)
class InboundItemAdmin(PlanningListMixin, PlanViews):
    list_title = "Inbox"
    empty_text = (
        "Each change that a connected system announces becomes a row here. They appear when a "
        "webhook subscription is active or a job polls."
    )
    empty_step = EmptyStep(
        "Show the webhook subscriptions",
        "admin:incoming_webhooksubscription_changelist",
        "incoming.view_webhooksubscription",
    )
    page_template = "incoming/item.html"
    live_template = "portal/incoming/item_live.html"
    list_before_template = "incoming/item_chips.html"
    declared_actions = ITEM_ACTIONS
    planning_url = "admin:incoming_inbounditem_plan"
    plan_filters: ClassVar[Mapping[str, str]] = {
        STATE_PARAMETER: "state",
        "connector": "connector",
        "type": "type",
        "tenant": "tenant",
        "since": "since",
    }
    plan_ids_field = "items"
    plan_path = "replay/"
    plan_title = "Replay several items"
    plan_template = "incoming/plan.html"
    plan_form = ReplayPlanForm
    plan_list = "admin:incoming_inbounditem_changelist"

    list_display = ("shown_state", "event_type", "reason_text", "customer", "source", "age")
    list_filter = (
        ("state", ChoicesFilter),
        OwnConnectorFilter,
        EventTypeFilter,
        TenantFilter,
        SinceFilter,
    )
    list_select_related = ("tenant", "connection", "message")
    list_display_links = ("shown_state", "event_type")
    search_fields = ("public_id",)
    search_help_text = "The id of an item, a request or an event, or the system's id; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant", "connection", "message")

    def match_search(self, request: HttpRequest, term: str) -> Q:
        return match_items(term, accessible_tenants(request.user))

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        states = [(value, str(label).lower()) for value, label in InboundItem.State.choices]
        return {
            "state_chips": build_filter_chips(request, STATE_PARAMETER, states),
            "all_url": self.build_planning_url_of_list(request),
            "since_chips": build_since_chips(request),
        }

    # --- the replay of several ---

    def can_plan(self, request: HttpRequest) -> bool:
        return request.user.has_perm("incoming.change_inbounditem")

    @admin.action(description="Replay…")
    def plan_for_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        return self.redirect_to_plan(request, queryset)

    def plan_operation(self, form: Any, actor: ActorContext, *, now: datetime) -> Operation:
        tenant, reason = form.cleaned_data["tenant"], form.cleaned_data["audit_reason"]
        return plan_replay(form.filter, actor, tenant=tenant, reason=reason, now=now)

    # --- columns ---

    @display(description="state")
    def shown_state(self, item: InboundItem) -> str:
        return render_badge(item.state)

    @display(description="event type")
    def event_type(self, item: InboundItem) -> str:
        return format_html(
            '<span>{}<br><span class="hub-quiet">{}</span></span>',
            item.type or "unknown",
            item.record,
        )

    @display(description="reason")
    def reason_text(self, item: InboundItem) -> str:
        row = build_row(item)
        if item.state in ("processed", "received"):
            return ""
        return format_html(
            '<span>{}<br><span class="hub-quiet">{}</span></span>', row.sentence, row.action
        )

    @display(description="tenant")
    def customer(self, item: InboundItem) -> str:
        return item.tenant.name if item.tenant else "unknown"

    @display(description="received from")
    def source(self, item: InboundItem) -> str:
        connector = CONNECTORS.get(item.connector_key)
        label = str(connector.label) if connector else item.connector_key
        return str(item.connection) if item.connection else f"{label} {item.account}".strip()

    @display(description="received")
    def age(self, item: InboundItem) -> str:
        return render_time(item.received_at)

    # --- what can be done ---

    def title_of(self, item: InboundItem) -> str:
        return f"{item.type or 'Item'} {item.record}".strip()

    def live_context(self, item: InboundItem, *, now: datetime) -> dict[str, Any]:
        outcome = load_outcome(item)
        lines = [build_log_row(delivery) for delivery, _state in outcome.deliveries]
        return {"row": outcome.row, "lines": lines, "ended": outcome.is_final}

    def page_context(self, request: HttpRequest, item: InboundItem) -> dict[str, Any]:
        return {"source": self.source(item)}

    def suggested_action(self, item: InboundItem) -> str:
        return "replay" if item.state == "quarantined" else ""
