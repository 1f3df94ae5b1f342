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
from hub.scheduled.admin.runs import start_manually
from hub.scheduled.forms.job_form import StaffJobForm
from hub.scheduled.insight.job_rows import build_job_rows
from hub.scheduled.insight.run_page import list_last_runs
from hub.scheduled.insight.run_progress import readable_runs
from hub.scheduled.insight.schedule_words import describe_schedule
from hub.scheduled.jobs.job_actions import (
    change_job,
    create_job,
    delete_job,
    disable_job,
    enable_job,
)
from hub.scheduled.jobs.job_checks import InvalidJob
from hub.scheduled.models import Job, JobSchedule, Run
from hub.staff import (
    ActionForm,
    ActionRejected,
    ActionResult,
    ChoicesFilter,
    EmptyStep,
    OwnConnectorFilter,
    display,
    render_badge,
    row_action,
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
    row_actions = ("start", "enable", "disable", "remove")

    list_display = ("name", "shown_state", "customer", "kind", "system", "schedule_text")
    list_filter = (("kind", ChoicesFilter), OwnConnectorFilter, TenantFilter)
    list_select_related = ("tenant", "connection")
    list_display_links = ("name",)
    search_fields = ("public_id",)
    search_help_text = "The id of a job; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant", "connection")

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

    @display(description="tenant")
    def customer(self, job: Job) -> str:
        return job.tenant.name if job.tenant else "all tenants"

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

    @row_action(
        "Start now",
        icon="play_arrow",
        is_available=lambda job: job.tenant_id is not None,
        tone="primary",
    )
    def start(
        self, request: HttpRequest, job: Job, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        if job.tenant is None:
            raise ActionRejected("Start it on the page of one tenant of the job.")
        return start_manually(request, job, job.tenant, now=now)

    @row_action("Enable", icon="check", is_available=lambda job: not job.is_enabled)
    def enable(
        self, request: HttpRequest, job: Job, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        return self._change(enable_job, request, job, "The job is enabled.", now=now)

    @row_action("Disable", icon="block", is_available=lambda job: job.is_enabled)
    def disable(
        self, request: HttpRequest, job: Job, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        return self._change(disable_job, request, job, "The job is disabled.", now=now)

    @row_action(
        "Delete",
        icon="delete",
        form=ActionForm,
        question="Its runs and the differences that they found are deleted, too.",
        permission="change",
        tone="danger",
    )
    def remove(
        self, request: HttpRequest, job: Job, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        delete_job(job, ActorContext.of_request(request), now=now)
        jobs = HttpResponseRedirect(reverse(JOBS))
        return ActionResult("The job has been deleted.", page=jobs)

    def _change(
        self, action: JobAction, request: HttpRequest, job: Job, detail: str, *, now: datetime
    ) -> ActionResult:
        action(job, ActorContext.of_request(request), now=now)
        return ActionResult(detail)
