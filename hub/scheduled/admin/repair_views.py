"""Actions of staff on discrepancies: those on one, and the page that plans the repair of many."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from hub.audit import ActorContext
from hub.operations.forms import (
    ANY_CHOICE,
    SelectedIdsField,
    SelectionPlanForm,
)
from hub.operations.models import Operation
from hub.operations.plan_views import PlanningListMixin, PlanViews
from hub.scheduled.insight.discrepancies import SELECTED_LIMIT
from hub.scheduled.insight.review_rows import STATE_LABELS
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.discrepancy_actions import (
    DISCREPANCY_ACTIONS,
    plan_repairs,
)
from hub.scheduled.repairs.filters import REPAIRABLE_STATES, REPAIRABLE_VERDICTS


class RepairPlanForm(SelectionPlanForm):
    discrepancies = SelectedIdsField("discrepancies", SELECTED_LIMIT)
    job = forms.UUIDField(required=False, help_text="The id of a job.")
    run = forms.UUIDField(required=False, help_text="The id of the run that saw them last.")
    verdict = forms.ChoiceField(
        choices=[
            *ANY_CHOICE,
            *((verdict, Discrepancy.Verdict(verdict).label) for verdict in REPAIRABLE_VERDICTS),
        ],
        required=False,
    )
    field = forms.CharField(max_length=80, required=False)
    state = forms.ChoiceField(
        choices=[*ANY_CHOICE, *((state, STATE_LABELS[state]) for state in REPAIRABLE_STATES)],
        required=False,
    )
    record_key = forms.CharField(
        max_length=200, required=False, label="Beginning of the record's key"
    )

    filter_fields = ("job", "run", "verdict", "field", "state", "record_key", "discrepancies")
    no_filter_error = "Set a filter. Without one, all discrepancies would be repaired."
    reason_label = "Reason for the repairs"
    no_tenant_error = "Enter the tenant. The repairs cover one tenant."


class RepairViews(PlanningListMixin, PlanViews):
    """The actions of a discrepancy's page, and the page that plans repairs."""

    declared_actions = DISCREPANCY_ACTIONS
    planning_url = "admin:scheduled_discrepancy_plan"
    plan_filters: ClassVar[Mapping[str, str]] = {
        "state__exact": "state",
        "verdict__exact": "verdict",
        "field": "field",
        "job": "job",
        "run": "run",
        "record_key": "record_key",
        "tenant": "tenant",
    }
    plan_ids_field = "discrepancies"
    plan_path = "repairs/"
    plan_title = "Repair several discrepancies"
    plan_template = "scheduled/repair_plan.html"
    plan_form = RepairPlanForm
    plan_list = "admin:scheduled_discrepancy_changelist"

    def can_plan(self, request: HttpRequest) -> bool:
        return request.user.has_perm("scheduled.change_discrepancy")

    @admin.action(description="Repair…")
    def plan_for_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        return self.redirect_to_plan(request, queryset)

    def plan_operation(self, form: Any, actor: ActorContext, *, now: datetime) -> Operation:
        tenant, reason = form.cleaned_data["tenant"], form.cleaned_data["audit_reason"]
        return plan_repairs(form.filter, actor, tenant=tenant, reason=reason, now=now)
