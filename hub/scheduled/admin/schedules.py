"""Admin of schedules: each tenant's next slot of a job, and whether staff left the tenant out."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hub.outgoing.admin.list_filters import ConnectorFilter, TenantFilter
from hub.outgoing.admin.read_only_admin import ReadOnlyAdmin
from hub.scheduled.admin.runs import JobFilter
from hub.scheduled.insight.job_rows import build_job_row
from hub.scheduled.insight.schedule_words import describe_schedule
from hub.scheduled.models import JobSchedule, Run
from hub.staff import Filter, display, render_badge, render_time

RUNS_SHOWN = 10


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
    page_template = "scheduled/schedule.html"
    live_template = "scheduled/job_live.html"

    list_display = ("what", "customer", "shown_state", "words", "next_slot", "priority")
    list_filter = (ScheduleConnectorFilter, JobFilter, TenantFilter, ExcludedFilter)
    list_select_related = ("tenant", "job")
    list_display_links = ("what",)
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant", "job__connection")

    # --- columns ---

    @display(description="job")
    def what(self, schedule: JobSchedule) -> str:
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
    def words(self, schedule: JobSchedule) -> str:
        return f"{describe_schedule(schedule.job.cron)} ({schedule.time_zone})"

    @display(description="next slot")
    def next_slot(self, schedule: JobSchedule) -> str:
        return render_time(schedule.next_slot_at)

    # --- its page ---

    def title_of(self, schedule: JobSchedule) -> str:
        return f"{schedule.job} for {schedule.tenant}"

    def live_context(self, schedule: JobSchedule, *, now: datetime) -> dict[str, Any]:
        runs = Run.unscoped.filter(job=schedule.job_id, tenant=schedule.tenant_id)
        return {
            "row": build_job_row(schedule.job, schedule, None, now=now),
            "runs": list(runs.order_by("-pk")[:RUNS_SHOWN]),
            "ended": True,
        }
