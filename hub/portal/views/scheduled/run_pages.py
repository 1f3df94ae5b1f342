"""The runs of a tenant's jobs: the list, and the page of one with its live progress."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from hub.portal.actions import ActionPages, build_action_view, list_possible_actions
from hub.portal.log.filter_chips import LogLink, build_query_string
from hub.portal.log.pages import (
    Cursor,
    assemble_page,
    filter_after_cursor,
    parse_cursor,
    parse_uuid,
)
from hub.portal.navigation import reverse_object_page
from hub.portal.views.etag import respond_or_reload
from hub.scheduled.insight.night_view import view_last_night
from hub.scheduled.insight.run_page import LIVE_TEMPLATE, build_run_context
from hub.scheduled.insight.run_progress import describe_run, readable_runs
from hub.scheduled.models import Job, Run
from hub.scheduled.runs.run_actions import RUN_ACTIONS
from hub.state_texts import state_label
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.scoping import tenant_condition

PAGE_SIZE = 50


@require_safe
@tenant_view()
def list_runs(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """List the tenant's runs, newest first, filtered by ?state= and ?job=."""
    data, cursor = request.GET.dict(), parse_cursor(request.GET)
    state, job = data.get("state", ""), find_job(tenant_user, data.get("job"))
    runs = readable_runs().filter(tenant_condition(Run, tenant_user.tenant))
    if state in Run.State.values:
        runs = runs.filter(state=state)
    if job:
        runs = runs.filter(job=job)
    ordered = filter_after_cursor(runs, cursor).order_by("pk" if cursor.before else "-pk")
    page = assemble_page(list(ordered[: PAGE_SIZE + 1]), cursor, PAGE_SIZE)
    context = {
        "tenant_user": tenant_user,
        "rows": [(run, describe_run(run)) for run in page.rows],
        "job": job,
        "views": list_state_links(state, job),
        "is_filtered": bool(state or job),
        "newer": build_query_string(data, before=page.newer) if page.newer else "",
        "older": build_query_string(data, after=page.older) if page.older else "",
        "is_first_page": cursor == Cursor(),
    }
    return render(request, "portal/runs/list.html", context)


@require_safe
@tenant_view()
def show_night(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Show the tenant's runs of the last 24 hours as bars beside their plan."""
    night = view_last_night(now=clock(), tenant=tenant_user.tenant)
    context = {"tenant_user": tenant_user, "night": night}
    return render(request, "portal/runs/night.html", context)


def find_job(tenant_user: TenantUser, id: str | None) -> Job | None:
    """Return the job with this id; None if the tenant has none."""
    if not (public_id := parse_uuid(id)):
        return None
    return Job.objects.of(tenant_user.tenant).filter(public_id=public_id).first()


def list_state_links(state: str, job: Job | None) -> list[LogLink]:
    job_query = f"&job={job.public_id}" if job else ""
    links = [
        LogLink(state_label(value), f"?state={value}{job_query}", value == state)
        for value in Run.State.values
    ]
    everything = f"?{job_query.removeprefix('&')}"
    return [LogLink(_("All"), everything, state not in Run.State.values), *links]


def get_run(tenant_user: TenantUser, id: UUID) -> Run:
    """Return the tenant's run. Raises Http404."""
    runs = readable_runs().filter(tenant_condition(Run, tenant_user.tenant), public_id=id)
    run = runs.first()
    if run is None:
        raise Http404(id)
    return run


@require_safe
@tenant_view()
def show_run(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    run = get_run(tenant_user, id)
    context = {
        "tenant_user": tenant_user,
        "actions": list_possible_actions(RUN_ACTIONS, run) if tenant_user.can_manage else (),
        "live_url": reverse_object_page("portal:run_live", tenant_user.tenant, run),
        **build_run_context(run, now=clock()),
    }
    return render(request, "portal/runs/run.html", context)


@require_safe
@tenant_view()
def show_run_progress(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Render the part of a run's page that changes; reload the page when the run has ended."""
    run = get_run(tenant_user, id)
    context = {"tenant_user": tenant_user, **build_run_context(run, now=clock())}
    response = render(request, LIVE_TEMPLATE, context)
    return respond_or_reload(request, response, has_ended=run.state not in Run.OPEN_STATES)


perform_run_action = build_action_view(ActionPages(actions=RUN_ACTIONS, find=get_run))
