"""Admin pages of tenants."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from hub import staff
from hub.actions import declare_actions
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.limits.spending import tenant_usage
from tenants.admin.membership_inline import MembershipInline
from tenants.admin.support_visit_action import SupportVisitMixin
from tenants.admin.tenant_activity import find_activity
from tenants.models import Tenant
from tenants.scoping import ScopedAdminMixin
from tenants.services.declared_actions import INVITE_ACTIONS
from tenants.services.tenant_actions import TENANT_ACTIONS

MAX_CARDS = 24  # connections on a tenant's page
MAX_ROWS = 20  # routes, and API keys


@admin.register(Tenant)
class TenantAdmin(SupportVisitMixin, ScopedAdminMixin, staff.ModelAdmin):
    empty_text = (
        "A tenant is one customer organisation. Its connections, events and people belong to it."
    )
    empty_step = staff.EmptyStep(
        "Create a tenant", "admin:tenants_tenant_add", "tenants.add_tenant"
    )
    list_display = ("tenant_name", "reference", "connection_states", "state_badge", "creation_time")
    list_filter = (("suspended_at", admin.EmptyFieldListFilter),)
    search_fields = ("reference", "^name")
    search_help_text = "A reference, or the beginning of a name."
    fields = ("name", "reference", "time_zone")
    inlines = (MembershipInline,)
    ordering = ("name",)
    declared_actions = declare_actions(*TENANT_ACTIONS.values(), *INVITE_ACTIONS.values())
    row_actions = ("visit",)
    change_form_outer_before_template = "console/tenant.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).prefetch_related("connections__lane")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # events and deliveries name it; it is suspended instead

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("reference",) if obj else ()

    def page_context(self, request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
        """Return the rows that belong to the tenant, as far as the user may see them."""
        has_permission = request.user.has_perm
        connections = tenant.connections.select_related("lane")[:MAX_CARDS]
        return {
            "tenant": tenant,
            "connections": connections if has_permission("connections.view_connection") else (),
            "limits": tenant_usage(tenant, now=clock()),
            **find_activity(tenant, request.user),
            "routes": tenant.routes.order_by("name")[:MAX_ROWS]
            if has_permission("outgoing.view_route")
            else (),
            "keys": tenant.api_keys.order_by("-id")[:MAX_ROWS]
            if has_permission("tenants.view_apikey")
            else (),
        }

    @staff.display(description="tenant", ordering="name")
    def tenant_name(self, tenant: Tenant) -> str:
        return tenant.name

    @staff.display(description="connections")
    def connection_states(self, tenant: Tenant) -> str:
        """Return each state of the tenant's connections with its count."""
        states = [connection.state for connection in tenant.connections.all()]
        if not states:
            return format_html('<span class="hub-quiet">{}</span>', "none yet")
        badges = (
            (staff.render_badge(state, f"{states.count(state)} {state.replace('_', ' ')}"),)
            for state in sorted(set(states))
        )
        return format_html(
            '<span class="hub-badges">{}</span>', format_html_join(" ", "{}", badges)
        )

    @staff.display(description="state")
    def state_badge(self, tenant: Tenant) -> str:
        return staff.render_badge("suspended" if tenant.suspended else "active")

    @staff.display(description="created", ordering="created_at")
    def creation_time(self, tenant: Tenant) -> str:
        return staff.render_time(tenant.created_at)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save_members(ActorContext.of_request(request), now=clock())
