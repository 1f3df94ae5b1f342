"""Portal links: staff see who came in by one, and end it with the visit that it began."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from hub import staff
from hub.clock import clock
from tenants import portal_links
from tenants.models import PortalLink
from tenants.people import Hand
from tenants.scoping import ScopedAdminMixin

BADGES = {
    "pending": "waiting",
    "opened": "sending",
    "visiting": "sending",
    "used": "delivered",
    "revoked": "cancelled",
    "expired": "skipped",
}


class LinkAdmin(ScopedAdminMixin, staff.ModelAdmin):
    """Links that let somebody in at one tenant; their verb `revoke` takes one back."""

    list_filter: tuple[Any, ...] = (("tenant", staff.RelatedFilter),)
    list_select_related = ("tenant",)
    ordering = ("-id",)
    verbs = ("revoke",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it is taken back instead, and stays told

    @staff.display(description="tenant")
    def whose(self, link: Any) -> str:
        return staff.page_link(link.tenant)

    @staff.display(description="state")
    def condition(self, link: Any) -> str:
        state = link.state(clock())
        return staff.badge(BADGES[state], state)


@admin.register(PortalLink)
class PortalLinkAdmin(LinkAdmin):
    list_display = ("reference", "whose", "role", "condition", "made", "came_in")
    search_fields = ("reference", "name")
    fields = ("reference", "name", "whose", "role", "condition", "made", "came_in")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # our own application asks for them

    @staff.display(description="made", ordering="created_at")
    def made(self, link: PortalLink) -> str:
        return staff.moment(link.created_at)

    @staff.display(description="came in", ordering="used_at")
    def came_in(self, link: PortalLink) -> str:
        return staff.moment(link.used_at) if link.used_at else "–"

    @staff.verb(
        "Take back",
        icon="block",
        tone="danger",
        when=lambda link: link.lasts(clock()),
        asks="The link leads nowhere any more, and whoever came in by it is shown out at once.",
    )
    def revoke(self, request: HttpRequest, link: PortalLink, said: dict[str, Any], *, now: datetime) -> staff.Done:
        try:
            portal_links.revoke(link, Hand.of_person(request, request.user), now=now)
        except portal_links.Ended:
            raise staff.Declined("The link has ended already, and so has the visit.") from None
        return staff.Done("The link is taken back, and the visit is over.", told=True)
