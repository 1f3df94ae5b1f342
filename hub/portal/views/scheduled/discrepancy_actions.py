"""Actions of visitors on discrepancies: repair, ignore, and plan the repair of many."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from hub.audit import ActorContext
from hub.audit.own_reasons import REQUESTED_IN_REVIEW
from hub.db.clock import clock
from hub.portal.forms import IgnoreForm, RepairPlanForm
from hub.portal.navigation import reverse_object_page
from hub.portal.views.scheduled.discrepancy_pages import get_discrepancy, list_reconciliations
from hub.portal.views.scheduled.review_query import describe_review_filter, parse_review_filter
from hub.problems import Refusal, show_refusal
from hub.scheduled.insight.review_rows import can_refuse_stale_writes
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.discrepancy_actions import (
    ignore_discrepancy,
    plan_repairs,
    repair_discrepancy,
    stop_ignoring,
)
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership


def _repair(discrepancy: Discrepancy, data: QueryDict, actor: ActorContext, now: datetime) -> str:
    repair_discrepancy(discrepancy, actor, side=data.get("side", ""), now=now)
    return _("Its repair is being sent. The old value is kept on this page.")


def _ignore(discrepancy: Discrepancy, data: QueryDict, actor: ActorContext, now: datetime) -> str:
    form = IgnoreForm(data)
    if not form.is_valid():
        raise Refusal(_("Enter a reason of at most 300 characters."))
    ignore_discrepancy(discrepancy, form.cleaned_data["reason"], actor, now=now)
    return _("It is ignored until one of both values changes.")


def _stop_ignoring(
    discrepancy: Discrepancy, data: QueryDict, actor: ActorContext, now: datetime
) -> str:
    stop_ignoring(discrepancy, actor, now=now)
    return _("It waits for a decision again.")


DiscrepancyAction = Callable[[Discrepancy, QueryDict, ActorContext, datetime], str]
DISCREPANCY_ACTIONS: Mapping[str, DiscrepancyAction] = {
    "repair": _repair,
    "ignore": _ignore,
    "stop-ignoring": _stop_ignoring,
}


@require_POST
@tenant_view(min_role=Membership.Role.ADMIN)
def run_discrepancy_action(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, verb: str
) -> HttpResponse:
    if verb not in DISCREPANCY_ACTIONS:
        raise Http404(verb)
    discrepancy = get_discrepancy(tenant_user, id)
    actor = ActorContext.of_visitor(request, tenant_user)
    with show_refusal(request):
        message = DISCREPANCY_ACTIONS[verb](discrepancy, request.POST, actor, clock())
        messages.success(request, message)
    url = reverse_object_page("portal:discrepancy", tenant_user.tenant, discrepancy)
    return HttpResponseRedirect(url)


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
        "form": form,
        "filter": filter,
        "selected": len(filter.get("discrepancies", ())),
        "worded": describe_review_filter(filter, jobs),
        "lacks_precondition": not all(can_refuse_stale_writes(job.connector_key) for job in jobs),
        "api_filters": filter,
    }
