"""Admin of portal links: staff see who used one, and revoke it, which ends the guest's visit."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from hub import staff
from hub.db.clock import clock
from tenants.models import PortalLink
from tenants.scoping import ScopedAdminMixin
from tenants.services.portal_link_actions import LINK_ACTIONS

BADGES = {
    "pending": "waiting",
    "opened": "sending",
    "visiting": "sending",
    "used": "delivered",
    "revoked": "cancelled",
    "expired": "skipped",
}


class LinkAdmin(ScopedAdminMixin, staff.ModelAdmin):
    """Links that let a person into one tenant; the action `revoke` ends one."""

    list_filter: ClassVar[Any] = (("tenant", staff.RelatedFilter),)
    list_select_related = ("tenant",)
    ordering = ("-id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it is revoked instead, and stays listed

    @staff.display(description="tenant")
    def tenant_link(self, link: PortalLink) -> str:
        return staff.render_page_link(link.tenant)

    @staff.display(description="state")
    def state_badge(self, link: PortalLink) -> str:
        state = link.state(clock())
        return staff.render_badge(BADGES[state], state)


@admin.register(PortalLink)
class PortalLinkAdmin(LinkAdmin):
    declared_actions = LINK_ACTIONS
    empty_text = (
        "A portal link brings a user of our application into the portal without an account. "
        "Our application makes it with the API."
    )
    list_display = (
        "reference",
        "tenant_link",
        "role",
        "state_badge",
        "creation_time",
        "session_start",
    )
    search_fields = ("reference", "name")
    fields = (
        "reference",
        "name",
        "tenant_link",
        "role",
        "state_badge",
        "creation_time",
        "session_start",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # our own application asks for them

    @staff.display(description="created", ordering="created_at")
    def creation_time(self, link: PortalLink) -> str:
        return staff.render_time(link.created_at)

    @staff.display(description="session started", ordering="used_at")
    def session_start(self, link: PortalLink) -> str:
        return staff.render_time(link.used_at) if link.used_at else "–"
