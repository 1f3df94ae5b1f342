"""Staff pages of connector requests: which systems tenants asked for, and how many tenants."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from hub import staff
from hub.connections.models import ConnectorRequest
from tenants.scoping import ScopedAdminMixin, visible_rows


@admin.register(ConnectorRequest)
class ConnectorRequestAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_title = "Requested systems"
    empty_text = (
        "Customers can ask in their catalogue for a system that the hub does not connect. "
        "Nothing has been requested."
    )
    list_display = ("name", "tenant_count", "tenant_link", "asker", "requested_at")
    list_select_related = ("tenant",)
    search_fields = ("system__istartswith",)
    search_help_text = "The beginning of a system's name"
    ordering = ("-pk",)
    fields = readonly_fields = list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Annotate `same`: the number of tenants that requested the system.

        Only tenants that this person may see are counted.
        """
        same = (
            visible_rows(ConnectorRequest, request.user)
            .filter(system=OuterRef("system"))
            .order_by()
            .values("system")
        )
        rows = super().get_queryset(request).select_related("tenant")
        counted: QuerySet[ConnectorRequest] = rows.annotate(
            same=Subquery(same.annotate(count=Count("pk")).values("count"))
        )
        return counted

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @staff.display(description="requested by", ordering="same")
    def tenant_count(self, connector_request: Any) -> str:
        return f"{connector_request.same} tenant{'' if connector_request.same == 1 else 's'}"

    @staff.display(description="tenant")
    def tenant_link(self, connector_request: ConnectorRequest) -> str:
        return staff.render_page_link(connector_request.tenant)

    @staff.display(description="requested", ordering="created_at")
    def requested_at(self, connector_request: ConnectorRequest) -> str:
        return staff.render_time(connector_request.created_at)
