"""Which systems customers ask for, and how many of them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from hub import staff
from hub.connections.models import ConnectorRequest
from tenants.scoping import ScopedAdminMixin, visible_to


@admin.register(ConnectorRequest)
class WishAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_display = ("name", "asking", "whose", "asker", "asked")
    list_select_related = ("tenant",)
    search_fields = ("system__istartswith",)
    search_help_text = "The beginning of a system's name"
    ordering = ("-pk",)
    fields = readonly_fields = list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With how many of the tenants that the person looks after ask for the same."""
        same = visible_to(ConnectorRequest, request.user).filter(system=OuterRef("system")).order_by().values("system")
        rows = super().get_queryset(request).select_related("tenant")
        return rows.annotate(same=Subquery(same.annotate(count=Count("pk")).values("count")))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @staff.display(description="asked for by", ordering="same")
    def asking(self, wish: Any) -> str:
        return f"{wish.same} tenant{'' if wish.same == 1 else 's'}"

    @staff.display(description="tenant")
    def whose(self, wish: ConnectorRequest) -> str:
        return staff.page_link(wish.tenant)

    @staff.display(description="asked", ordering="created_at")
    def asked(self, wish: ConnectorRequest) -> str:
        return staff.moment(wish.created_at)
