"""Admin of log shipping: the logs of all tenants with their backlog, and the page of one."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hub.db.clock import clock
from hub.scheduled.insight.log_shipping import view_log_shipping
from hub.scheduled.models import LogPosition, LogSource
from hub.scheduled.shipping.figures import LogFigures, measure_position, positions_with_age
from hub.staff import (
    ChoicesFilter,
    EmptyStep,
    display,
    format_duration,
    format_number,
    render_time,
)
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter


@admin.register(LogPosition)
class LogPositionAdmin(ReadOnlyAdmin):
    list_title = "Log shipping"
    empty_text = (
        "A row appears for each tenant whose log lines are received. They are shipped by a "
        "job of the kind “ship”."
    )
    empty_step = EmptyStep("Show the jobs", "admin:scheduled_job_changelist", "scheduled.view_job")
    page_template = "scheduled/log_position.html"
    live_template = "portal/scheduled/log_figures.html"

    list_display = (
        "customer",
        "log_label",
        "shipped_by",
        "received_count",
        "shipped_count",
        "backlog",
        "lag",
        "lost_count",
        "last_shipped",
    )
    list_filter = (("log__source", ChoicesFilter), TenantFilter)
    list_select_related = ("tenant",)
    list_display_links = ("customer", "log_label")
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return positions_with_age(super().get_queryset(request).select_related("tenant"))

    # --- columns ---

    @display(description="log")
    def log_label(self, position: LogPosition) -> str:
        return str(LogSource(position.log.source).label)

    @display(description="job")
    def shipped_by(self, position: LogPosition) -> str:
        return position.job.name if position.job else "–"

    @display(description="received")
    def received_count(self, position: LogPosition) -> str:
        return format_number(self.figures_of(position).received)

    @display(description="shipped")
    def shipped_count(self, position: LogPosition) -> str:
        return format_number(self.figures_of(position).shipped)

    @display(description="waiting")
    def backlog(self, position: LogPosition) -> str:
        return format_number(self.figures_of(position).backlog)

    @display(description="lag")
    def lag(self, position: LogPosition) -> str:
        figures = self.figures_of(position)
        return format_duration(timedelta(seconds=figures.lag_seconds)) if figures.backlog else "–"

    @display(description="rejected or dropped")
    def lost_count(self, position: LogPosition) -> str:
        return format_number(position.rejected_count + position.dropped_count)

    @display(description="last shipped")
    def last_shipped(self, position: LogPosition) -> str:
        return render_time(position.shipped_at)

    def figures_of(self, position: LogPosition) -> LogFigures:
        return measure_position(position, now=clock())

    # --- its page: all logs of the tenant ---

    def title_of(self, position: LogPosition) -> str:
        return f"Log shipping of {position.tenant.name}"

    def live_context(self, position: LogPosition, *, now: datetime) -> dict[str, Any]:
        return {"view": view_log_shipping(position.tenant, now=now), "ended": False}

    def page_context(self, request: HttpRequest, position: LogPosition) -> dict[str, Any]:
        return {"kept_days": settings.HUB_KEEP_LOG_DAYS}
