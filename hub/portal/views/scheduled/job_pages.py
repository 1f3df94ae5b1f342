"""The jobs of a tenant: the list, and the page of one."""

import json
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from hub.portal.actions import list_possible_actions
from hub.portal.log.filter_chips import build_query_string
from hub.portal.log.pages import assemble_page, filter_after_cursor, parse_cursor
from hub.scheduled.insight.job_rows import JobRow, build_job_rows, readable_jobs
from hub.scheduled.insight.run_page import list_last_runs
from hub.scheduled.insight.run_progress import readable_runs
from hub.scheduled.models import Job, Run
from hub.scheduled.runs.run_actions import JOB_ACTIONS, START_ACTIONS
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.scoping import tenant_condition

PAGE_SIZE = 50


@require_safe
@tenant_view()
def list_jobs(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """List the tenant's jobs, and those of all tenants, newest first."""
    data, cursor = request.GET.dict(), parse_cursor(request.GET)
    jobs = readable_jobs().filter(tenant_condition(Job, tenant_user.tenant))
    ordered = filter_after_cursor(jobs, cursor).order_by("pk" if cursor.before else "-pk")
    page = assemble_page(list(ordered[: PAGE_SIZE + 1]), cursor, PAGE_SIZE)
    context = {
        "tenant_user": tenant_user,
        "rows": build_job_rows(page.rows, tenant_user.tenant, now=clock()),
        "newer": build_query_string(data, before=page.newer) if page.newer else "",
        "older": build_query_string(data, after=page.older) if page.older else "",
    }
    return render(request, "portal/jobs/list.html", context)


def get_job_row(tenant_user: TenantUser, id: UUID) -> JobRow:
    """Return a job that the tenant may see, with its schedule and last run. Raises Http404."""
    tenant = tenant_user.tenant
    job = readable_jobs().filter(tenant_condition(Job, tenant), public_id=id).first()
    if job is None:
        raise Http404(id)
    return build_job_rows([job], tenant, now=clock())[0]


@require_safe
@tenant_view()
def show_job(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    row = get_job_row(tenant_user, id)
    runs = readable_runs().filter(tenant_condition(Run, tenant_user.tenant), job=row.job)
    runs_page = reverse("portal:runs", args=[tenant_user.tenant.reference])
    is_own = row.job.tenant_id is not None
    actions = JOB_ACTIONS if is_own else START_ACTIONS
    context = {
        "tenant_user": tenant_user,
        "actions": list_possible_actions(actions, row.job) if tenant_user.can_manage else (),
        "row": row,
        "rows": list_last_runs(runs),
        "runs_url": f"{runs_page}?job={row.job.public_id}",
        "options": json.dumps(row.job.options, indent=2, ensure_ascii=False),
        "is_own": is_own,
    }
    return render(request, "portal/jobs/job.html", context)
