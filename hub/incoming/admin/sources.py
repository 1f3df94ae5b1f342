"""Admin of sources: the health of all webhooks on one page, and the page of each source."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path

from hub.db.clock import clock
from hub.incoming.gaps import complete_until_expression
from hub.incoming.gaps.gap_actions import SOURCE_READ_ACTIONS
from hub.incoming.insight.source_history import build_source_context
from hub.incoming.insight.webhook_health import build_health_context
from hub.incoming.models import InboundSource
from hub.staff import ChoicesFilter, ConnectorFilter, EmptyStep, display, render_badge, render_time
from tenants.admin.read_only_admin import FRAME, ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import accessible_tenants


class SourceConnectorFilter(ConnectorFilter):
    path = "connection__connector_key"


@admin.register(InboundSource)
class InboundSourceAdmin(ReadOnlyAdmin):
    list_title = "Sources"
    empty_text = "A source is watched as soon as a route takes events of a connected system."
    empty_step = EmptyStep(
        "Show the connections",
        "admin:connections_connection_changelist",
        "connections.view_connection",
    )
    page_template = "incoming/source.html"
    live_template = "portal/webhooks/source_body.html"
    declared_actions = SOURCE_READ_ACTIONS

    list_display = ("shown_state", "source", "customer", "heard", "complete")
    list_filter = (("state", ChoicesFilter), SourceConnectorFilter, TenantFilter)
    list_display_links = ("shown_state", "source")
    search_fields = ("public_id",)
    search_help_text = "The id of a source, or of its connection; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        sources: QuerySet = (
            super()
            .get_queryset(request)
            .select_related("tenant", "connection", "canary")
            .annotate(complete_at=complete_until_expression())
        )
        return sources

    def match_search(self, request: HttpRequest, term: str) -> Q:
        try:
            id = UUID(term)
        except ValueError:
            return Q(pk__in=())
        return Q(public_id=id) | Q(connection__public_id=id)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.health_view)
        return [
            path("health/", view, name=self.build_url_name("health")),
            *super().get_urls(),
        ]

    def health_view(self, request: HttpRequest) -> HttpResponse:
        """Show the webhooks of all tenants that the user may see, as customers see theirs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        tenants = accessible_tenants(request.user)
        context = build_health_context(request.GET, tenants, for_staff=True, zone=UTC, now=clock())
        return self.page(
            request,
            "portal/webhooks/health.html",
            title="Webhook health",
            media=self.media,
            frame_template=FRAME,
            **context,
        )

    # --- columns ---

    @display(description="state")
    def shown_state(self, source: InboundSource) -> str:
        return render_badge(source.state)

    @display(description="source")
    def source(self, source: InboundSource) -> str:
        return str(source)

    @display(description="last received")
    def heard(self, source: InboundSource) -> str:
        return render_time(source.heard_at)

    @display(description="complete until")
    def complete(self, source: Any) -> str:
        return render_time(source.complete_at)

    # --- its page ---

    def live_context(self, source: InboundSource, *, now: datetime) -> dict[str, Any]:
        return build_source_context(source, for_staff=True, now=now)
