"""Actions of visitors on jobs: add, change, enable, disable, start and delete them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.portal.navigation import reverse_object_page
from hub.portal.views.scheduled.job_pages import get_job_row
from hub.problems import show_refusal
from hub.scheduled.forms.job_form import JobForm
from hub.scheduled.jobs.job_actions import (
    change_job,
    create_job,
    delete_job,
    disable_job,
    enable_job,
)
from hub.scheduled.jobs.job_checks import InvalidJob
from hub.scheduled.models import Job
from hub.scheduled.runs.run_actions import start_run
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership

ADMIN = Membership.Role.ADMIN


@dataclass(frozen=True, slots=True)
class JobVerb:
    """An action of a visitor on an own job. `run`: called with job, actor and now."""

    run: Callable[..., Any]
    success_text: str | Promise


JOB_VERBS = {
    "enable": JobVerb(enable_job, _("The job is enabled. It runs at its next time.")),
    "disable": JobVerb(disable_job, _("The job is disabled. A run that has started goes on.")),
    "delete": JobVerb(delete_job, _("The job and its runs have been deleted.")),
}
IS_DRY_BY_VERB = {"start": False, "dry": True}  # whether the run is a dry one


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=ADMIN)
def add_job_view(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    form = JobForm(request.POST or None, initial=request.GET.dict(), tenant=tenant_user.tenant)
    if request.method == "POST" and form.is_valid():
        job = form.build()
        try:
            create_job(job, ActorContext.of_visitor(request, tenant_user), now=clock())
        except InvalidJob as invalid:
            form.add_job_errors(invalid)
        else:
            messages.success(request, _("The job has been added."))
            return HttpResponseRedirect(reverse_object_page("portal:job", tenant_user.tenant, job))
    return _show_form(request, tenant_user, form)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=ADMIN)
def change_job_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    job = get_own_job(tenant_user, id)
    form = JobForm(request.POST or None, tenant=tenant_user.tenant, job=job)
    if request.method == "POST" and form.is_valid():
        try:
            change_job(form.build(), ActorContext.of_visitor(request, tenant_user), now=clock())
        except InvalidJob as invalid:
            form.add_job_errors(invalid)
        else:
            messages.success(request, _("The job has been changed."))
            return HttpResponseRedirect(reverse_object_page("portal:job", tenant_user.tenant, job))
    return _show_form(request, tenant_user, form)


def _show_form(request: HttpRequest, tenant_user: TenantUser, form: JobForm) -> HttpResponse:
    tenant, job = tenant_user.tenant, form.job
    jobs_url = reverse("portal:jobs", args=[tenant.reference])
    cancel_url = reverse_object_page("portal:job", tenant, job) if job else jobs_url
    context = {"tenant_user": tenant_user, "form": form, "job": job, "cancel_url": cancel_url}
    return render(request, "portal/jobs/form.html", context)


def get_own_job(tenant_user: TenantUser, id: UUID) -> Job:
    """Return a tenant's own job. Raises Http404, and PermissionDenied for a job of all tenants."""
    job = get_job_row(tenant_user, id).job
    if job.tenant_id is None:
        raise PermissionDenied
    return job


@require_POST
@tenant_view(min_role=ADMIN)
def run_job_action(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, verb: str
) -> HttpResponse:
    if verb in IS_DRY_BY_VERB:
        return start_job(request, tenant_user, id, is_dry=IS_DRY_BY_VERB[verb])
    if verb not in JOB_VERBS:
        raise Http404(verb)
    job, actor = get_own_job(tenant_user, id), ActorContext.of_visitor(request, tenant_user)
    action = JOB_VERBS[verb]
    with show_refusal(request):
        action.run(job, actor, now=clock())
        messages.success(request, str(action.success_text))
        if verb == "delete":
            return HttpResponseRedirect(reverse("portal:jobs", args=[tenant_user.tenant.reference]))
    return HttpResponseRedirect(reverse_object_page("portal:job", tenant_user.tenant, job))


def start_job(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, *, is_dry: bool
) -> HttpResponse:
    """Start a run of the job for this tenant now, and redirect to its page."""
    job, actor = get_job_row(tenant_user, id).job, ActorContext.of_visitor(request, tenant_user)
    with show_refusal(request):
        run = start_run(job, tenant_user.tenant, actor, is_dry=is_dry, now=clock())
        messages.success(request, _("The run has been started."))
        return HttpResponseRedirect(reverse_object_page("portal:run", tenant_user.tenant, run))
    return HttpResponseRedirect(reverse_object_page("portal:job", tenant_user.tenant, job))
