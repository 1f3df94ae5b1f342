"""Admin of jobs: the list with their schedules in words, and the page of one."""

import json
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hub.outgoing.admin.list_filters import OwnConnectorFilter, TenantFilter
from hub.outgoing.admin.read_only_admin import ReadOnlyAdmin
from hub.scheduled.insight.job_rows import build_job_rows
from hub.scheduled.insight.schedule_words import describe_schedule
from hub.scheduled.models import Job, JobSchedule, Run
from hub.staff import ChoicesFilter, display, render_badge
from tenants.scoping import accessible_tenants, readable_condition

RUNS_SHOWN = 10
COUNT_LIMIT = 1000


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    page_template = "scheduled/job.html"
    live_template = "scheduled/job_live.html"

    list_display = ("name", "shown_state", "customer", "kind", "system", "words")
    list_filter = (("kind", ChoicesFilter), OwnConnectorFilter, TenantFilter)
    list_select_related = ("tenant", "connection")
    list_display_links = ("name",)
    search_fields = ("public_id",)
    search_help_text = "The id of a job; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant", "connection")

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
    def words(self, job: Job) -> str:
        return describe_schedule(job.cron)

    # --- its page ---

    def live_context(self, job: Job, *, now: datetime) -> dict[str, Any]:
        return {"row": build_job_rows([job], None, now=now)[0], "ended": True}

    def page_context(self, request: HttpRequest, job: Job) -> dict[str, Any]:
        tenants = accessible_tenants(request.user)
        runs = Run.unscoped.filter(readable_condition(Run, tenants), job=job)
        schedules = JobSchedule.unscoped.filter(readable_condition(JobSchedule, tenants), job=job)
        return {
            "runs": list(runs.select_related("tenant").order_by("-pk")[:RUNS_SHOWN]),
            "tenant_count": schedules.order_by().values("pk")[: COUNT_LIMIT + 1].count(),
            "excluded_count": schedules.filter(is_excluded=True).count(),
            "count_limit": COUNT_LIMIT,
            "options": json.dumps(job.options, indent=2, ensure_ascii=False),
        }
