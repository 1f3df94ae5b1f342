"""Admin of schedules: each tenant's next slot of a job, and whether staff excluded the tenant."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from hub.audit import ActorContext
from hub.scheduled.admin.runs import JobFilter, start_manually
from hub.scheduled.insight.job_rows import build_job_row
from hub.scheduled.insight.run_page import list_last_runs
from hub.scheduled.insight.run_progress import readable_runs
from hub.scheduled.insight.schedule_words import describe_schedule
from hub.scheduled.jobs.job_actions import set_excluded, set_tenant_priority
from hub.scheduled.models import JobSchedule
from hub.staff import (
    ActionForm,
    ActionResult,
    ConnectorFilter,
    EmptyStep,
    Filter,
    display,
    render_badge,
    render_time,
    row_action,
)
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter

PRIORITY_MAX = 100


class ScheduleConnectorFilter(ConnectorFilter):
    title = "system"
    path = "job__connector_key"


class ExcludedFilter(Filter):
    title = "left out"
    parameter_name = "excluded"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "left out"), ("no", "included")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(is_excluded=self.value() == "yes")


class PriorityForm(ActionForm):
    priority = forms.IntegerField(
        min_value=-PRIORITY_MAX,
        max_value=PRIORITY_MAX,
        help_text="Of the runs of a slot a greater priority starts first. 0 is usual.",
    )


@admin.register(JobSchedule)
class JobScheduleAdmin(ReadOnlyAdmin):
    list_title = "Tenants of jobs"
    empty_text = (
        "Each tenant of a job has a row with its next time and its priority. The rows are "
        "made with the job."
    )
    empty_step = EmptyStep("Show the jobs", "admin:scheduled_job_changelist", "scheduled.view_job")
    page_template = "scheduled/schedule.html"
    live_template = "portal/jobs/schedule.html"
    row_actions = ("start", "prioritise", "leave_out", "include")

    list_display = ("job_name", "customer", "shown_state", "schedule_text", "next_slot", "priority")
    list_filter = (ScheduleConnectorFilter, JobFilter, TenantFilter, ExcludedFilter)
    list_select_related = ("tenant", "job")
    list_display_links = ("job_name",)
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant", "job__connection")

    # --- columns ---

    @display(description="job")
    def job_name(self, schedule: JobSchedule) -> str:
        return schedule.job.name

    @display(description="tenant")
    def customer(self, schedule: JobSchedule) -> str:
        return schedule.tenant.name

    @display(description="state")
    def shown_state(self, schedule: JobSchedule) -> str:
        if not schedule.job.is_enabled:
            return render_badge("disabled")
        return render_badge("excluded" if schedule.is_excluded else "enabled")

    @display(description="schedule")
    def schedule_text(self, schedule: JobSchedule) -> str:
        return f"{describe_schedule(schedule.job.cron)} ({schedule.time_zone})"

    @display(description="next slot")
    def next_slot(self, schedule: JobSchedule) -> str:
        return render_time(schedule.next_slot_at)

    # --- its page ---

    def title_of(self, schedule: JobSchedule) -> str:
        return f"{schedule.job} for {schedule.tenant}"

    def live_context(self, schedule: JobSchedule, *, now: datetime) -> dict[str, Any]:
        runs = readable_runs().filter(job=schedule.job_id, tenant=schedule.tenant_id)
        return {
            "row": build_job_row(schedule.job, schedule, None, now=now),
            "rows": list_last_runs(runs),
            "runs_url": f"{reverse('admin:scheduled_run_changelist')}?job={schedule.job_id}",
            "ended": True,
        }

    # --- what can be done ---

    @row_action("Start now", icon="play_arrow", tone="primary")
    def start(
        self, request: HttpRequest, schedule: JobSchedule, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        return start_manually(request, schedule.job, schedule.tenant, now=now)

    @row_action("Prioritise", icon="priority_high", form=PriorityForm)
    def prioritise(
        self, request: HttpRequest, schedule: JobSchedule, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        actor = ActorContext.of_request(request)
        set_tenant_priority(schedule.job, schedule.tenant, data["priority"], actor, now=now)
        return ActionResult("It applies from the next slot on.")

    @row_action(
        "Leave out",
        icon="block",
        is_available=lambda schedule: not schedule.is_excluded,
        form=ActionForm,
        question="The job does not run for this tenant until it is included again.",
    )
    def leave_out(
        self, request: HttpRequest, schedule: JobSchedule, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        return self._set_excluded(request, schedule, is_excluded=True, now=now)

    @row_action("Include", icon="check", is_available=lambda schedule: schedule.is_excluded)
    def include(
        self, request: HttpRequest, schedule: JobSchedule, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        return self._set_excluded(request, schedule, is_excluded=False, now=now)

    def _set_excluded(
        self, request: HttpRequest, schedule: JobSchedule, *, is_excluded: bool, now: datetime
    ) -> ActionResult:
        actor = ActorContext.of_request(request)
        set_excluded(schedule.job, schedule.tenant, actor, is_excluded=is_excluded, now=now)
        detail = "The tenant is left out." if is_excluded else "The tenant is included again."
        return ActionResult(detail)
