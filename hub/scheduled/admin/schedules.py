"""Admin of schedules: each tenant's next slot of a job, and whether staff excluded the tenant."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from hub.scheduled.admin.runs import JobFilter
from hub.scheduled.insight.job_rows import build_job_row
from hub.scheduled.insight.run_page import list_last_runs
from hub.scheduled.insight.run_progress import readable_runs
from hub.scheduled.insight.schedule_words import describe_schedule
from hub.scheduled.models import JobSchedule
from hub.scheduled.runs.run_actions import SCHEDULE_ACTIONS
from hub.staff import (
    ConnectorFilter,
    EmptyStep,
    Filter,
    display,
    render_badge,
    render_time,
)
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter


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
    declared_actions = SCHEDULE_ACTIONS

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
