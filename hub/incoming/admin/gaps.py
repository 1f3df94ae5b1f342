"""Admin of gaps: what may have been missed, what was read, and the actions start and cancel."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from hub.incoming.gaps.gap_actions import GAP_ACTIONS
from hub.incoming.gaps.gap_texts import describe_counts
from hub.incoming.insight.gap_page import build_gap_context
from hub.incoming.models import InboundGap
from hub.staff import ChoicesFilter, ConnectorFilter, EmptyStep, display, render_badge, render_time
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter


class GapConnectorFilter(ConnectorFilter):
    path = "connection__connector_key"


@admin.register(InboundGap)
class InboundGapAdmin(ReadOnlyAdmin):
    list_title = "Gaps"
    empty_text = "A gap is a time in which changes may have been missed. None is known."
    empty_step = EmptyStep(
        "Show the webhook health",
        "admin:incoming_inboundsource_health",
        "incoming.view_inboundsource",
    )
    page_template = "incoming/gap.html"
    live_template = "portal/webhooks/gap_live.html"
    declared_actions = GAP_ACTIONS

    list_display = ("shown_state", "source", "customer", "cause", "began", "ended", "found")
    list_filter = (
        ("state", ChoicesFilter),
        ("cause", ChoicesFilter),
        GapConnectorFilter,
        TenantFilter,
    )
    list_display_links = ("shown_state", "source")
    search_fields = ("public_id",)
    search_help_text = "The id of a gap, of its source, or of its connection; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        related = ("tenant", "connection", "source__connection")
        return super().get_queryset(request).select_related(*related)

    def match_search(self, request: HttpRequest, term: str) -> Q:
        try:
            id = UUID(term)
        except ValueError:
            return Q(pk__in=())
        return Q(public_id=id) | Q(source__public_id=id) | Q(connection__public_id=id)

    # --- columns ---

    @display(description="state")
    def shown_state(self, gap: InboundGap) -> str:
        return render_badge(gap.state)

    @display(description="source")
    def source(self, gap: InboundGap) -> str:
        return str(gap.source)

    @display(description="from")
    def began(self, gap: InboundGap) -> str:
        return render_time(gap.from_at)

    @display(description="to")
    def ended(self, gap: InboundGap) -> str:
        return render_time(gap.to_at)

    @display(description="result")
    def found(self, gap: InboundGap) -> str:
        return describe_counts(gap)

    # --- its page ---

    def live_context(self, gap: InboundGap, *, now: datetime) -> dict[str, Any]:
        return {**build_gap_context(gap, now=now), "for_staff": True}

    def suggested_action(self, gap: InboundGap) -> str:
        return "start"
