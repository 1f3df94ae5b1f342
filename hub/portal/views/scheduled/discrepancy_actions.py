"""Actions of visitors on discrepancies: repair, ignore, and plan the repair of many."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hub.audit import ActorContext
from hub.audit.own_reasons import REQUESTED_IN_REVIEW
from hub.db.clock import clock
from hub.outgoing.operations.planning import OPERATION_LABELS
from hub.portal.actions import ActionPages, build_action_view
from hub.portal.forms import RepairPlanForm
from hub.portal.navigation import reverse_object_page
from hub.portal.views.scheduled.discrepancy_pages import get_discrepancy, list_reconciliations
from hub.portal.views.scheduled.review_query import describe_review_filter, parse_review_filter
from hub.scheduled.insight.review_rows import can_refuse_stale_writes
from hub.scheduled.repairs.discrepancy_actions import DISCREPANCY_ACTIONS, plan_repairs
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership

run_discrepancy_action = build_action_view(
    ActionPages(actions=DISCREPANCY_ACTIONS, find=get_discrepancy)
)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=Membership.Role.ADMIN)
def plan_repairs_view(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Plan the repair of selected discrepancies, or of all that match; the URL holds the filter."""
    try:
        filter = parse_review_filter(request.GET)
    except ValueError:
        filter = {}
    form = RepairPlanForm(request.POST or None)
    if request.method == "POST" and filter and form.is_valid():
        operation = plan_repairs(
            filter,
            ActorContext.of_visitor(request, tenant_user),
            tenant=tenant_user.tenant,
            reason=form.cleaned_data["reason"] or REQUESTED_IN_REVIEW,
            now=clock(),
        )
        url = reverse_object_page("portal:operation", tenant_user.tenant, operation)
        return HttpResponseRedirect(url)
    return render(
        request, "portal/scheduled/repair_plan.html", _build_plan_context(tenant_user, filter, form)
    )


def _build_plan_context(
    tenant_user: TenantUser, filter: Mapping[str, Any], form: RepairPlanForm
) -> dict[str, Any]:
    jobs = list_reconciliations(tenant_user.tenant)
    return {
        "tenant_user": tenant_user,
        "title": OPERATION_LABELS["repair"],
        "list_title": _("Discrepancies"),
        "list_url": reverse("portal:discrepancies", args=[tenant_user.tenant.reference]),
        "form": form,
        "nothing_selected": not filter,
        "selected": len(filter.get("discrepancies", ())),
        "worded": describe_review_filter(filter, jobs),
        "lacks_precondition": not all(can_refuse_stale_writes(job.connector_key) for job in jobs),
        "api_filters": filter,
    }
