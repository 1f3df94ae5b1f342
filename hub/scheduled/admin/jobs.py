"""Admin of jobs: the list with their schedules as text, and the page of one."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.scheduled.forms.job_form import StaffJobForm
from hub.scheduled.insight.job_rows import build_job_rows
from hub.scheduled.insight.run_page import list_last_runs
from hub.scheduled.insight.run_progress import readable_runs
from hub.scheduled.insight.schedule_words import describe_schedule
from hub.scheduled.jobs.job_actions import OWN_JOB_ACTIONS, change_job, create_job
from hub.scheduled.jobs.job_checks import InvalidJob
from hub.scheduled.models import HUB_KINDS, Job, JobSchedule, Run
from hub.scheduled.runs.run_actions import JOB_ACTIONS
from hub.staff import (
    ChoicesFilter,
    EmptyStep,
    OwnConnectorFilter,
    RowAction,
    display,
    render_badge,
)
from tenants.admin.read_only_admin import FRAME, ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter
from tenants.forms import list_suggested_tenants
from tenants.scoping import accessible_tenants, readable_condition

JOBS = "admin:scheduled_job_changelist"
JobAction = Callable[..., Job]  # action(job, actor, *, now)
COUNT_LIMIT = 1000


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    empty_text = (
        "A job polls, compares, reports or ships logs at set times. The first run starts at "
        "the next time of its schedule."
    )
    empty_step = EmptyStep("Add a job", "admin:scheduled_job_new", "scheduled.add_job")
    page_template = "scheduled/job.html"
    live_template = "portal/jobs/schedule.html"
    list_before_template = "scheduled/job_chips.html"
    declared_actions = JOB_ACTIONS

    list_display = ("name", "shown_state", "customer", "kind", "system", "schedule_text")
    list_filter = (("kind", ChoicesFilter), OwnConnectorFilter, TenantFilter)
    list_select_related = ("tenant", "connection")
    list_display_links = ("name",)
    search_fields = ("public_id",)
    search_help_text = "The id of a job; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        jobs = super().get_queryset(request).exclude(kind__in=HUB_KINDS)
        return jobs.select_related("tenant", "connection")

    # --- adding and changing ---

    def get_urls(self) -> list[Any]:
        add, edit = (self.admin_site.admin_view(view) for view in (self.new_view, self.edit_view))
        return [
            path("new/", add, name="scheduled_job_new"),
            path("<int:pk>/edit/", edit, name="scheduled_job_edit"),
            *super().get_urls(),
        ]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("scheduled.add_job"):
            raise PermissionDenied
        form = StaffJobForm(request.POST or None, initial=request.GET.dict(), user=request.user)
        return self.form_page(request, form, create_job, title="Add a job")

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = self.find_readable(request, str(pk))
        if not self.has_change_permission(request, job):
            raise PermissionDenied
        form = StaffJobForm(request.POST or None, user=request.user, job=cast(Job, job))
        return self.form_page(request, form, change_job, title=f"Change {job}")

    def form_page(
        self, request: HttpRequest, form: StaffJobForm, action: JobAction, *, title: str
    ) -> HttpResponse:
        """Show and process the job's form; errors of the service function stand at their fields."""
        if request.method == "POST" and form.is_valid():
            try:
                job = action(form.build(), ActorContext.of_request(request), now=clock())
            except InvalidJob as invalid:
                form.add_job_errors(invalid)
            else:
                messages.success(request, "The job has been saved.")
                return HttpResponseRedirect(self.change_url(job))
        return self.page(
            request,
            "scheduled/job_form.html",
            title=title,
            media=self.media,
            frame_template=FRAME,
            tenants=list_suggested_tenants(request.user),
            form=form,
            job=form.job,
            cancel_url=self.change_url(form.job) if form.job else reverse(JOBS),
        )

    # --- columns ---

    @display(description="state")
    def shown_state(self, job: Job) -> str:
        return render_badge("enabled" if job.is_enabled else "disabled")

    @display(description="system")
    def system(self, job: Job) -> str:
        return job.connector_key

    @display(description="schedule")
    def schedule_text(self, job: Job) -> str:
        return describe_schedule(job.cron)

    # --- its page ---

    def live_context(self, job: Job, *, now: datetime) -> dict[str, Any]:
        return {"row": build_job_rows([job], None, now=now)[0], "ended": True}

    def page_context(self, request: HttpRequest, job: Job) -> dict[str, Any]:
        tenants = accessible_tenants(request.user)
        runs = readable_runs().filter(readable_condition(Run, tenants), job=job)
        schedules = JobSchedule.unscoped.filter(readable_condition(JobSchedule, tenants), job=job)
        return {
            "rows": list_last_runs(runs),
            "runs_url": f"{reverse('admin:scheduled_run_changelist')}?job={job.pk}",
            "shows_tenant": True,
            "tenant_count": schedules.order_by().values("pk")[: COUNT_LIMIT + 1].count(),
            "excluded_count": schedules.filter(is_excluded=True).count(),
            "count_limit": COUNT_LIMIT,
            "options": json.dumps(job.options, indent=2, ensure_ascii=False),
            "can_change": self.has_change_permission(request, job),
        }

    # --- what can be done ---

    def list_row_actions(self, job: Job) -> dict[str, RowAction]:
        """Without those that start a run, if no tenant says whose; its tenants' pages have them."""
        actions = super().list_row_actions(job)
        return {
            name: action
            for name, action in actions.items()
            if job.tenant is not None or name in OWN_JOB_ACTIONS
        }
