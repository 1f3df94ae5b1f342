"""Admin of operations: plan work on many deliveries, confirm, follow or cancel it, and read it."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hub.audit import ActorContext
from hub.operations.models import Operation
from hub.operations.operation_actions import OPERATION_ACTIONS
from hub.operations.plan_views import PlanViews
from hub.outgoing.admin.plan_form import PlanForm
from hub.outgoing.operations import planning
from hub.outgoing.operations.operation_page import (
    LIVE_TEMPLATE,
    build_operation_context,
    build_progress_context,
)
from hub.staff import (
    EmptyStep,
    display,
    format_number,
    render_badge,
    render_time,
)
from tenants.scoping import accessible_tenants


@admin.register(Operation)
class OperationAdmin(PlanViews):
    no_tenant_text = "all"
    empty_text = (
        "An operation retries, sends again or cancels many deliveries at once. Choose the "
        "deliveries in their list, then plan what happens to them."
    )
    empty_step = EmptyStep(
        "Show the deliveries", "admin:outgoing_delivery_changelist", "outgoing.view_delivery"
    )
    page_template = "outgoing/operation.html"
    live_template = LIVE_TEMPLATE
    declared_actions = OPERATION_ACTIONS
    plan_path = "plan/"
    plan_title = "Act on several deliveries"
    plan_template = "outgoing/plan.html"
    plan_form = PlanForm
    plan_list = "admin:outgoing_delivery_changelist"

    list_display = ("shown_state", "kind_label", "customer", "rows", "reason", "actor", "age")
    list_select_related = ("tenant",)
    list_display_links = ("shown_state", "kind_label")
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant")

    # --- columns ---

    @display(description="state")
    def shown_state(self, operation: Operation) -> str:
        return render_badge(operation.state)

    @display(description="action")
    def kind_label(self, operation: Operation) -> str:
        return str(planning.OPERATION_LABELS[operation.kind])

    @display(description="rows done")
    def rows(self, operation: Operation) -> str:
        return f"{format_number(operation.processed_count)} of {_format_row_count(operation)}"

    @display(description="requested by")
    def actor(self, operation: Operation) -> str:
        return operation.actor_label

    @display(description="planned")
    def age(self, operation: Operation) -> str:
        return render_time(operation.planned_at)

    # --- its page ---

    def title_of(self, operation: Operation) -> str:
        label = planning.OPERATION_LABELS[operation.kind]
        if operation.kind in planning.ITEM_KINDS:
            return f"{label}: {_format_row_count(operation)}"
        return f"{label} {_format_row_count(operation)} deliveries"

    def live_context(self, operation: Operation, *, now: datetime) -> dict[str, Any]:
        return build_progress_context(operation, now=now)

    def page_context(self, request: HttpRequest, operation: Operation) -> dict[str, Any]:
        return {
            **build_operation_context(operation, accessible_tenants(request.user)),
            "asked": [
                (name.replace("_", " "), format_filter_value(name, value))
                for name, value in sorted(operation.filter.items())
            ],
        }

    # --- what can be done ---

    def suggested_action(self, operation: Operation) -> str:
        return "confirm"

    # --- planning ---

    def plan_operation(self, form: Any, actor: ActorContext, *, now: datetime) -> Operation:
        data = form.cleaned_data
        return planning.plan_operation(
            data["kind"],
            form.filter,
            tenant=data["tenant"],
            reason=data["audit_reason"],
            actor=actor,
            now=now,
        )

    def can_plan(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outgoing.change_delivery")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.can_plan(request)


def _format_row_count(operation: Operation) -> str:
    return f"more than {operation.count:,}" if operation.more else f"{operation.count:,}"


def format_filter_value(name: str, value: Any) -> str:
    if name in ("since", "until", "stopped_since"):
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S} UTC"
    return f"{len(value):,} selected" if isinstance(value, list) else str(value)
