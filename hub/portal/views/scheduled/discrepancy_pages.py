"""The discrepancy review: what the last run found, by verdict and field, and each discrepancy."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from hub.portal.actions import list_possible_actions
from hub.portal.log.filter_chips import build_query_string
from hub.portal.log.pages import assemble_page, filter_after_cursor, parse_cursor
from hub.portal.views.scheduled.review_query import (
    build_summary,
    describe_review_filter,
    list_job_links,
    list_state_links,
    parse_review_filter,
)
from hub.scheduled.insight.discrepancies import (
    UNDECIDED,
    count_by_verdict_and_field,
    filter_discrepancies,
    readable_discrepancies,
    total_counts,
)
from hub.scheduled.insight.discrepancy_page import (
    build_discrepancy_context,
    build_result_context,
)
from hub.scheduled.insight.review_rows import (
    build_review_row,
    can_refuse_stale_writes,
)
from hub.scheduled.insight.run_results import list_last_runs
from hub.scheduled.models import Discrepancy, Job, Run
from hub.scheduled.repairs.discrepancy_actions import DISCREPANCY_ACTIONS
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Tenant
from tenants.scoping import tenant_condition

PAGE_SIZE = 50
JOB_LIMIT = 20  # jobs whose links are listed


def list_reconciliations(tenant: Tenant) -> list[Job]:
    """List the jobs that reconcile the tenant's records, including those for all tenants."""
    jobs = Job.objects.of(tenant).filter(kind=Job.Kind.RECONCILE)
    return list(jobs.order_by("-pk")[:JOB_LIMIT])


@require_safe
@tenant_view()
def show_discrepancies(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Show the review; without a filter by state, the discrepancies that await a decision."""
    tenant, data, cursor = tenant_user.tenant, request.GET.dict(), parse_cursor(request.GET)
    jobs = list_reconciliations(tenant)
    try:
        filter = parse_review_filter(request.GET)
    except ValueError:
        filter, rows = {}, Discrepancy.unscoped.none()
    else:
        rows = _select_rows(tenant, filter)
    ordered = filter_after_cursor(rows, cursor).order_by("pk" if cursor.before else "-pk")
    page = assemble_page(list(ordered[: PAGE_SIZE + 1]), cursor, PAGE_SIZE)
    job = _choose_job(jobs, filter, tenant)
    context = {
        "tenant_user": tenant_user,
        "rows": [build_review_row(discrepancy) for discrepancy in page.rows],
        "newer": build_query_string(data, before=page.newer) if page.newer else "",
        "older": build_query_string(data, after=page.older) if page.older else "",
        "filter": filter,
        "worded": describe_review_filter(filter, jobs),
        "states": list_state_links(filter.get("state", ""), data),
        "jobs": jobs,
        "job_links": list_job_links(jobs, filter.get("job", ""), data),
        "lacks_precondition": not all(
            can_refuse_stale_writes(entry.connector_key) for entry in jobs
        ),
        "repair_query": _build_repair_query(filter, jobs),
        "api_filters": {name: value for name, value in filter.items() if name != "discrepancies"},
        **_build_summary_context(tenant, job, filter, data),
        "last_runs": list_last_runs(jobs, tenant) if len(jobs) > 1 and job is None else [],
        **_build_result_context(tenant_user, tenant, job),
    }
    return render(request, "portal/scheduled/discrepancies.html", context)


def _select_rows(tenant: Tenant, filter: dict[str, Any]) -> QuerySet[Discrepancy]:
    rows = readable_discrepancies().filter(tenant_condition(Discrepancy, tenant))
    rows = filter_discrepancies(rows, filter)
    return rows if filter.keys() & {"state", "discrepancies"} else rows.filter(UNDECIDED)


def _choose_job(jobs: list[Job], filter: dict[str, Any], tenant: Tenant) -> Job | None:
    """Return the job of the filter, that of its run, or the only one."""
    if "job" in filter:
        return next((job for job in jobs if str(job.public_id) == filter["job"]), None)
    if "run" in filter:
        run = Run.objects.of(tenant).filter(public_id=filter["run"]).first()
        return next((job for job in jobs if run and job.pk == run.job_id), None)
    return jobs[0] if len(jobs) == 1 else None


def _build_repair_query(filter: dict[str, Any], jobs: list[Job]) -> str:
    """Return the query of the plan of repairs for all that match; "" if there is no filter."""
    if not filter and len(jobs) == 1:
        filter = {"job": str(jobs[0].public_id)}
    return urlencode(filter, doseq=True)


def _build_summary_context(
    tenant: Tenant, job: Job | None, filter: dict[str, Any], data: dict[str, str]
) -> dict[str, Any]:
    rows = Discrepancy.objects.of(tenant)
    if job is not None:
        rows = rows.filter(job=job)
    elif "job" in filter:
        rows = rows.none()
    counts = count_by_verdict_and_field(rows)
    return {"summary": build_summary(counts, data), "totals": total_counts(counts)}


def _build_result_context(
    tenant_user: TenantUser, tenant: Tenant, job: Job | None
) -> dict[str, Any]:
    """Return the last result of a job, with the pages that it leads to."""
    context = build_result_context(job, tenant)
    if run := context["last_run"]:
        page = reverse("portal:repair_plan", args=[tenant.reference])
        context["changes_url"] = f"?run={run.public_id}&repairable=1"
        context["confirm_url"] = f"{page}?run={run.public_id}" if tenant_user.can_manage else ""
    return context


def get_discrepancy(tenant_user: TenantUser, id: UUID) -> Discrepancy:
    """Return the tenant's discrepancy. Raises Http404."""
    rows = readable_discrepancies().filter(tenant_condition(Discrepancy, tenant_user.tenant))
    discrepancy = rows.filter(public_id=id).first()
    if discrepancy is None:
        raise Http404(id)
    return discrepancy


@require_safe
@tenant_view()
def show_discrepancy(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    discrepancy = get_discrepancy(tenant_user, id)
    context = {
        "tenant_user": tenant_user,
        "actions": list_possible_actions(DISCREPANCY_ACTIONS, discrepancy)
        if tenant_user.can_manage
        else (),
        "live_template": "portal/scheduled/discrepancy_live.html",
        **build_discrepancy_context(discrepancy),
    }
    return render(request, "portal/scheduled/discrepancy.html", context)
