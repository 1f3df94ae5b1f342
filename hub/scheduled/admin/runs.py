"""Admin of runs: list, the page of one with its live progress, and the chart of a night."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html

from hub.db.clock import clock
from hub.scheduled.insight.night_view import view_coming_night, view_last_night
from hub.scheduled.insight.run_page import LIVE_TEMPLATE, build_run_context
from hub.scheduled.insight.run_progress import describe_run, measure_figures, readable_runs
from hub.scheduled.models import Job, Run
from hub.scheduled.runs.run_actions import RUN_ACTIONS
from hub.staff import (
    ChoicesFilter,
    ConnectorFilter,
    EmptyStep,
    SinceFilter,
    TextFilter,
    build_filter_chips,
    display,
    parse_number,
    render_badge,
    render_time,
)
from tenants.admin.read_only_admin import FRAME, ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import ALL_TENANTS, accessible_tenants, visible_rows

STATE_PARAMETER = "state__exact"
LAST_NIGHT = "last"


class JobConnectorFilter(ConnectorFilter):
    title = "system"
    path = "job__connector_key"


class JobFilter(TextFilter):
    """Filter by the job's id; one that the user may not see yields an empty list."""

    title = "job (its id)"
    parameter_name = "job"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        jobs = visible_rows(Job, request.user).filter(pk=parse_number(self.value()))
        return queryset.filter(job__in=list(jobs.values_list("pk", flat=True)))


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    empty_text = (
        "A run is one execution of a job for one tenant. The first one appears at the next "
        "time of a job's schedule."
    )
    empty_step = EmptyStep("Show the jobs", "admin:scheduled_job_changelist", "scheduled.view_job")
    page_template = "scheduled/run.html"
    live_template = LIVE_TEMPLATE
    list_before_template = "scheduled/run_chips.html"
    declared_actions = RUN_ACTIONS

    list_display = (
        "shown_state",
        "run_label",
        "customer",
        "reason_text",
        "records",
        "due_age",
        "duration",
    )
    list_filter = (
        ("state", ChoicesFilter),
        JobConnectorFilter,
        TenantFilter,
        JobFilter,
        SinceFilter,
    )
    list_select_related = ("tenant", "job")
    list_display_links = ("shown_state", "run_label")
    search_fields = ("public_id",)
    search_help_text = "The id of a run; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant", "job__connection")

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        states = [(value, str(label).lower()) for value, label in Run.State.choices]
        return {"state_chips": build_filter_chips(request, STATE_PARAMETER, states)}

    # --- the night at a glance ---

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.night_view)
        return [path("night/", view, name="scheduled_run_night"), *super().get_urls()]

    def night_view(self, request: HttpRequest) -> HttpResponse:
        """Show the forecast of the coming night, or the last night beside its plan."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if accessible_tenants(request.user) is not ALL_TENANTS:
            raise PermissionDenied  # quotas are those of all tenants together
        now, is_last = clock(), request.GET.get("night") == LAST_NIGHT
        night = view_last_night(now=now) if is_last else view_coming_night(now=now)
        return self.page(
            request,
            "scheduled/night.html",
            title="The night",
            media=self.media,
            frame_template=FRAME,
            night=night,
        )

    # --- columns ---

    @display(description="state")
    def shown_state(self, run: Run) -> str:
        return render_badge("late" if run.is_late(now=clock()) else run.state)

    @display(description="run")
    def run_label(self, run: Run) -> str:
        slot = f"{run.slot_at:%Y-%m-%d %H:%M} UTC" if run.slot_at else run.job.run_origin
        return format_html('<span>{}<br><span class="hub-quiet">{}</span></span>', run.job, slot)

    @display(description="reason")
    def reason_text(self, run: Run) -> str:
        if not run.reason:
            return ""
        text = describe_run(run)
        return format_html(
            '<span>{}<br><span class="hub-quiet">{}</span></span>', text.sentence, text.action
        )

    @display(description="records")
    def records(self, run: Run) -> str:
        return f"{run.done_count:,}"

    @display(description="due")
    def due_age(self, run: Run) -> str:
        return render_time(run.due_at)

    @display(description="took")
    def duration(self, run: Run) -> str:
        took = measure_figures(run, now=clock()).duration
        return f"{took.total_seconds():,.0f} s" if took else "–"

    # --- its page ---

    def title_of(self, run: Run) -> str:
        return f"{run.job} for {run.tenant}"

    def find_readable(self, request: HttpRequest, object_id: str) -> Run:
        run = super().find_readable(request, object_id)
        return readable_runs().get(pk=run.pk)

    def live_context(self, run: Run, *, now: datetime) -> dict[str, Any]:
        return build_run_context(run, now=now)

    # --- what can be done ---

    def suggested_action(self, run: Run) -> str:
        return "resume" if run.state == Run.State.BLOCKED else ""
