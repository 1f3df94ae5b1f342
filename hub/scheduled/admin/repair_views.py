"""Actions of staff on discrepancies: those on one, and the page that plans the repair of many."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from hub.audit import ActorContext
from hub.operations.models import Operation
from hub.operations.plan_views import PlanViews
from hub.scheduled.admin.repair_forms import RepairPlanForm
from hub.scheduled.repairs.discrepancy_actions import (
    DISCREPANCY_ACTIONS,
    plan_repairs,
)

PLAN_URL = "admin:scheduled_discrepancy_plan"
# the filters of a plan, by those of the list
PLAN_FILTERS = {
    "state__exact": "state",
    "verdict__exact": "verdict",
    "field": "field",
    "job": "job",
    "run": "run",
    "record_key": "record_key",
    "tenant": "tenant",
}


def build_planning_url(request: HttpRequest) -> str:
    """Return the URL that plans the repair of all discrepancies that the list's filters select."""
    names = PLAN_FILTERS.items()
    query = {
        name: request.GET[filter_name]
        for filter_name, name in names
        if request.GET.get(filter_name)
    }
    return f"{reverse(PLAN_URL)}?{urlencode(query)}"


class RepairViews(PlanViews):
    """The actions of a discrepancy's page, and the page that plans repairs."""

    declared_actions = DISCREPANCY_ACTIONS
    actions = ("plan_for_selected",)
    plan_path = "repairs/"
    plan_title = "Repair several discrepancies"
    plan_template = "scheduled/repair_plan.html"
    plan_form = RepairPlanForm
    plan_list = "admin:scheduled_discrepancy_changelist"

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if self.can_plan(request) else {}

    def can_plan(self, request: HttpRequest) -> bool:
        return request.user.has_perm("scheduled.change_discrepancy")

    @admin.action(description="Repair…")
    def plan_for_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        """Redirect to the plan of repairs of the selected rows, or of all that the list shows."""
        if request.POST.get("select_across") == "1" and not request.GET.get("q"):
            return HttpResponseRedirect(build_planning_url(request))
        ids = queryset.values_list("public_id", flat=True)[: self.list_per_page]
        query = {"discrepancies": " ".join(str(id) for id in ids)}
        if request.GET.get("tenant"):
            query["tenant"] = request.GET["tenant"]
        return HttpResponseRedirect(f"{reverse(PLAN_URL)}?{urlencode(query)}")

    def plan_operation(self, form: Any, actor: ActorContext, *, now: datetime) -> Operation:
        tenant, reason = form.cleaned_data["tenant"], form.cleaned_data["audit_reason"]
        return plan_repairs(form.filter, actor, tenant=tenant, reason=reason, now=now)
