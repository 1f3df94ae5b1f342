"""Admin of field mappings, with the events to try a mapping on and the routes that use it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from hub.mappings.admin import FieldMappingAdminBase, list_version_changes
from hub.mappings.models import FieldMapping
from hub.outgoing.admin.list_filters import OwnConnectorFilter, TenantFilter
from hub.outgoing.admin.preview import PreviewMixin
from hub.outgoing.models import Route
from tenants.scoping import visible_rows

ROUTES_LIMIT = 50


@admin.register(FieldMapping)
class FieldMappingAdmin(PreviewMixin, FieldMappingAdminBase):
    list_filter = (TenantFilter, OwnConnectorFilter)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            routes = (
                visible_rows(Route, request.user)
                .filter(mapping=obj)
                .select_related("tenant")
                .order_by("name")
            )
            context |= {"history": list_version_changes(obj), "routes": routes[:ROUTES_LIMIT]}
        response: HttpResponse = super().render_change_form(
            request, context, add, change, form_url, obj
        )
        return response
