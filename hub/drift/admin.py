"""Admin of schema drift: the findings of all tenants, and the page of one."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from hub.drift.descriptions import advise, describe_break, describe_change
from hub.drift.drift_actions import FINDING_ACTIONS
from hub.drift.models import DriftFinding, DriftSchedule
from hub.outgoing.models import Route
from hub.scheduled.models import Job
from hub.staff import (
    ChoicesFilter,
    ConnectorFilter,
    EmptyStep,
    Filter,
    display,
    render_badge,
    render_time,
)
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import visible_rows

NAMES_SHOWN = 3


class FindingStateFilter(Filter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("resolved", "Resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("open", "resolved"):
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() == "open")


class FindingTenantFilter(TenantFilter):
    path = "connection__tenant"


class FindingConnectorFilter(ConnectorFilter):
    path = "connection__connector_key"


@admin.register(DriftFinding)
class DriftFindingAdmin(ReadOnlyAdmin):
    no_tenant_text = "Platform"
    page_template = "drift/finding.html"
    live_template = "drift/finding_live.html"
    declared_actions = FINDING_ACTIONS
    empty_text = (
        "The objects and fields that routes and jobs use in other systems are compared every "
        "night. Changes that will break one of them are listed here."
    )
    empty_step = EmptyStep(
        "Show the routes", "admin:outgoing_route_changelist", "outgoing.view_route"
    )

    list_display = (
        "shown_state",
        "field_text",
        "change_text",
        "affected_uses",
        "connection_label",
        "customer",
        "first_seen",
    )
    list_filter = (
        FindingStateFilter,
        ("change", ChoicesFilter),
        FindingConnectorFilter,
        FindingTenantFilter,
    )
    list_select_related = ("connection__tenant",)
    list_display_links = ("shown_state", "field_text")
    search_fields = ("public_id",)
    search_help_text = "The id of a finding, or the beginning of a field's key"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("connection__tenant")

    def match_search(self, request: HttpRequest, term: str) -> Q:
        try:
            return Q(public_id=UUID(term))
        except ValueError:
            return Q(field_key__istartswith=term.replace("\0", ""))

    # --- columns ---

    @display(description="state")
    def shown_state(self, finding: DriftFinding) -> str:
        return render_badge(finding.state)

    @display(description="field")
    def field_text(self, finding: DriftFinding) -> str:
        key = finding.field_key or finding.object_key
        return format_html('{}<br><span class="hub-quiet">{}</span>', finding.title, key)

    @display(description="change")
    def change_text(self, finding: DriftFinding) -> str:
        return describe_change(finding)

    @display(description="affected")
    def affected_uses(self, finding: DriftFinding) -> str:
        names = list(dict.fromkeys(entry["name"] for entry in finding.breaks))
        more = len(names) - NAMES_SHOWN
        return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")

    @display(description="connection")
    def connection_label(self, finding: DriftFinding) -> str:
        return str(finding.connection)

    @display(description="first seen")
    def first_seen(self, finding: DriftFinding) -> str:
        return render_time(finding.first_seen_at)

    # --- its page ---

    def title_of(self, finding: DriftFinding) -> str:
        return finding.title

    def live_context(self, finding: DriftFinding, *, now: datetime) -> dict[str, Any]:
        schedule = DriftSchedule.unscoped.filter(connection=finding.connection).first()
        return {
            "sentence": describe_change(finding),
            "advice": advise(finding),
            "schedule": schedule,
            "ended": True,
        }

    def page_context(self, request: HttpRequest, finding: DriftFinding) -> dict[str, Any]:
        """Return the routes and jobs that a finding breaks and this person may see; two queries."""
        ids = {
            kind: [entry["id"] for entry in finding.breaks if entry["kind"] == kind]
            for kind in ("route", "job")
        }
        routes = visible_rows(Route, request.user).filter(public_id__in=ids["route"])
        jobs = visible_rows(Job, request.user).filter(public_id__in=ids["job"])
        system = finding.connection.connector.label
        texts: dict[str, list[str]] = {}
        for entry in finding.breaks:
            texts.setdefault(entry["id"], []).append(describe_break(entry, system=system))
        return {
            "routes": [
                (route, ", ".join(texts[str(route.public_id)]))
                for route in routes.select_related("mapping")
            ],
            "jobs": jobs,
        }

    # --- what can be done ---

    def suggested_action(self, finding: DriftFinding) -> str:
        return "check_now"
