"""Actions of visitors on jobs: add, change, enable, disable, start and delete them."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.portal.actions import ActionPages, build_action_view
from hub.portal.navigation import reverse_object_page
from hub.portal.views.scheduled.job_pages import get_job_row
from hub.scheduled.forms.job_form import JobForm
from hub.scheduled.jobs.job_actions import change_job, create_job
from hub.scheduled.jobs.job_checks import InvalidJob
from hub.scheduled.models import Job
from hub.scheduled.runs.run_actions import JOB_ACTIONS, START_ACTIONS
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership

ADMIN = Membership.Role.ADMIN


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


def get_job(tenant_user: TenantUser, id: UUID) -> Job:
    return get_job_row(tenant_user, id).job


run_job_action = build_action_view(
    ActionPages(
        actions=JOB_ACTIONS,
        find=get_job,
        is_allowed=lambda tenant_user, action, job: (
            job.tenant_id is not None or action.name in START_ACTIONS
        ),
        list_page="portal:jobs",
    )
)
