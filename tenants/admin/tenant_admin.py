"""Admin pages of tenants."""

from datetime import datetime
from typing import Any, NamedTuple, cast

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.html import format_html, format_html_join

from hub import staff
from hub.actions import declare_actions
from hub.audit import ActorContext, AuditRow
from hub.db.clock import clock
from hub.limits.spending import tenant_usage
from tenants.access.support_sessions import can_visit_tenant, store_visit
from tenants.access.tenant_users import tenant_home_url
from tenants.admin.membership_inline import MembershipInline
from tenants.forms import SupportVisitForm
from tenants.models import SupportVisit, Tenant, User
from tenants.scoping import ScopedAdminMixin
from tenants.services.declared_actions import INVITE_ACTIONS
from tenants.services.support_visit_actions import begin_support_visit, end_visit_of_session
from tenants.services.tenant_actions import TENANT_ACTIONS

MAX_CARDS = 24  # connections on a tenant's page
MAX_ROWS = 20  # routes, and API keys
EVENTS_SHOWN, ENTRIES_SHOWN = 8, 15
DELIVERIES_COUNTED = 2_000  # the newest ones


class TimelineEntry(NamedTuple):
    """An audited action or a notice; `row` is the object to which it links."""

    at: datetime
    who: str
    text: str
    row: Model


def find_activity(tenant: Any, user: User | AnonymousUser) -> dict[str, Any]:
    """Return the part of the tenant's activity that this user may see, in at most four queries."""
    events: Any = ()
    states: Any = ()
    if user.has_perm("outgoing.view_event"):
        events = tenant.events.order_by("-id")[:EVENTS_SHOWN]
    if user.has_perm("outgoing.view_delivery"):
        newest = tenant.deliveries.order_by("-id").values("pk")[:DELIVERIES_COUNTED]
        counted = tenant.deliveries.filter(pk__in=newest).order_by().values("state")
        states = counted.annotate(rows=Count("pk")).order_by("-rows").values_list("state", "rows")
    return {
        "events": events,
        "delivery_states": states,
        "deliveries_counted": DELIVERIES_COUNTED,
        "timeline": list_timeline(tenant, user),
    }


def list_timeline(tenant: Any, user: User | AnonymousUser) -> list[TimelineEntry]:
    """Return the newest audited actions and notices of a tenant, merged, newest first."""
    entries: list[TimelineEntry] = []
    if user.has_perm("hub.view_auditrow"):
        rows = AuditRow.objects.filter(tenant=tenant.public_id).order_by("-at")[:ENTRIES_SHOWN]
        entries += [TimelineEntry(row.at, row.actor_label, row.verb, row) for row in rows]
    if user.has_perm("notices.view_notice"):
        notices = tenant.notices.select_related("connection").order_by("-id")[:ENTRIES_SHOWN]
        entries += [
            TimelineEntry(notice.created_at, "", notice.sentence, notice) for notice in notices
        ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:ENTRIES_SHOWN]


class SupportVisitMixin:
    """Mixin of the tenants' admin: a button that opens its pages as its members see them."""

    def has_visit_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        return obj is not None and can_visit_tenant(cast(User, request.user), obj)

    @staff.row_action(
        "Open the portal",
        icon="visibility",
        form=SupportVisitForm,
        permission="visit",
        question=(
            "You see the pages as the owner sees them: read-only, for 30 minutes at most, without "
            "secrets and exports. The customer sees who opened them, why, and for how long."
        ),
    )
    def visit(
        self, request: HttpRequest, tenant: Tenant, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        user, actor = cast(User, request.user), ActorContext.of_request(request)
        end_visit_of_session(request, SupportVisit.EndCause.REPLACED, now=now)
        try:
            visit = begin_support_visit(
                tenant, user, data["reason"], actor, ticket=data["ticket"], now=now
            )
        except PermissionDenied:
            raise staff.ActionRejected("You may no longer open this tenant's pages.") from None
        store_visit(request, visit)
        return staff.ActionResult(
            f"You see the pages of {tenant} as support.",
            page=HttpResponseRedirect(tenant_home_url(tenant)),
        )


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
