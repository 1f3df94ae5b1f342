"""Admin of discrepancies: the review by verdict and field, and the page of each difference."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path
from django.utils.html import format_html

from hub.scheduled.admin.repair_views import RepairViews
from hub.scheduled.admin.review_summary import build_review_context
from hub.scheduled.insight.certificates import build_certificate_file
from hub.scheduled.insight.discrepancy_page import build_discrepancy_context
from hub.scheduled.insight.review_rows import (
    STATE_LABELS,
    ReviewRow,
    build_review_row,
)
from hub.scheduled.insight.value_comparison import DisplayValue
from hub.scheduled.models import Discrepancy, Run
from hub.scheduled.repairs.filters import REPAIR_FILTERS, match_found_by
from hub.staff import (
    ChoicesFilter,
    EmptyStep,
    SinceFilter,
    TextFilter,
    build_filter_chips,
    display,
    render_badge,
    render_time,
)
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import visible_rows

STATE_PARAMETER = "state__exact"


class DiscrepancyFilter(TextFilter):
    """A filter whose query parameter has the same name as on the portal's pages and in REST."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = (self.value() or "").replace("\0", "")
        if not value:
            return queryset
        try:
            return queryset.filter(REPAIR_FILTERS[self.parameter_name](self.parse(value)))
        except ValueError:
            return queryset.none()

    def parse(self, value: str) -> Any:
        return value


class JobFilter(DiscrepancyFilter):
    title = "job (its id)"
    parameter_name = "job"

    def parse(self, value: str) -> UUID:
        return UUID(value)


class RunFilter(JobFilter):
    title = "run that found it (its id)"
    parameter_name = "run"


class RepairableFilter(DiscrepancyFilter):
    """Of a run: only what a plan of its repairs selects."""

    title = "can be repaired (1)"
    parameter_name = "repairable"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        rows = super().queryset(request, queryset)
        run_id = request.GET.get("run") if self.value() else None
        try:
            return rows.filter(match_found_by(UUID(run_id))) if run_id else rows
        except ValueError:
            return queryset.none()


class FieldFilter(DiscrepancyFilter):
    title = "field"
    parameter_name = "field"


class RecordKeyFilter(DiscrepancyFilter):
    title = "beginning of the record's key"
    parameter_name = "record_key"


@admin.register(Discrepancy)
class DiscrepancyAdmin(RepairViews):
    empty_text = (
        "A reconciliation job compares our records with those of a system. What differs is "
        "listed here until it is resolved."
    )
    empty_step = EmptyStep("Show the jobs", "admin:scheduled_job_changelist", "scheduled.view_job")
    page_template = "scheduled/discrepancy.html"
    live_template = "portal/scheduled/discrepancy_live.html"
    list_before_template = "scheduled/review.html"

    list_display = ("shown_state", "record", "local_text", "remote_text", "customer", "age")
    list_filter = (
        ("state", ChoicesFilter),
        ("verdict", ChoicesFilter),
        FieldFilter,
        RecordKeyFilter,
        TenantFilter,
        JobFilter,
        RunFilter,
        RepairableFilter,
        SinceFilter,
    )
    list_select_related = ("tenant", "job", "connection")
    list_display_links = ("shown_state", "record")
    search_fields = ("public_id",)
    search_help_text = "The id of a discrepancy; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        return rows.select_related("tenant", "job", "connection", "last_run")

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        states = [(value, str(label)) for value, label in STATE_LABELS.items()]
        return {
            "state_chips": build_filter_chips(request, STATE_PARAMETER, states),
            "repair_url": self.build_planning_url_of_list(request),
            **build_review_context(request),
        }

    # --- certificates ---

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.certificate_view)
        route = "certificates/<uuid:id>/<slug:kind>/"
        return [path(route, view, name="scheduled_discrepancy_certificate"), *super().get_urls()]

    def certificate_view(self, request: HttpRequest, id: UUID, kind: str) -> HttpResponse:
        """Download the certificate of a run's reconciliation."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        runs = visible_rows(Run, request.user).select_related("job", "tenant")
        run = runs.filter(public_id=id).first()
        file = build_certificate_file(run, kind) if run else None
        if file is None:
            raise Http404(id)
        response = HttpResponse(file.content, content_type=file.content_type)
        response["Content-Disposition"] = f'attachment; filename="{file.name}"'
        return response

    # --- columns ---

    @display(description="state")
    def shown_state(self, discrepancy: Discrepancy) -> str:
        return render_badge(discrepancy.state, str(STATE_LABELS[discrepancy.state]))

    @display(description="record")
    def record(self, discrepancy: Discrepancy) -> str:
        return render_to_string("scheduled/record.html", {"discrepancy": discrepancy})

    @display(description="our application")
    def local_text(self, discrepancy: Discrepancy) -> str:
        return _render_value(self.row_of(discrepancy).local)

    @display(description="the other system")
    def remote_text(self, discrepancy: Discrepancy) -> str:
        return _render_value(self.row_of(discrepancy).remote)

    @display(description="last seen")
    def age(self, discrepancy: Discrepancy) -> str:
        return render_time(discrepancy.last_seen_at)

    def row_of(self, discrepancy: Discrepancy) -> ReviewRow:
        return build_review_row(discrepancy)

    # --- its page ---

    def suggested_action(self, discrepancy: Discrepancy) -> str:
        return "repair"

    def title_of(self, discrepancy: Discrepancy) -> str:
        return f"{discrepancy.record_key} {discrepancy.field}".strip()

    def live_context(self, discrepancy: Discrepancy, *, now: datetime) -> dict[str, Any]:
        return {
            **build_discrepancy_context(discrepancy),
            "ended": discrepancy.state != Discrepancy.State.REPAIRING,
        }


def _render_value(value: DisplayValue) -> str:
    """Render a value as on the page of a discrepancy, for a cell of the list."""
    text = render_to_string("portal/scheduled/value.html", {"value": value})
    return format_html('<span class="subject">{}</span>', text)
