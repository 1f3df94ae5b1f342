"""Connect links: staff make them for a tenant, see what became of them, and take them back."""

import secrets
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from hub import staff
from hub.clock import clock
from hub.connections import links
from hub.connections.link_forms import StaffLinkForm
from hub.connections.login_hosts import LoginHostRefused
from hub.connections.models import ConnectLink
from hub.throttle.admin import ConnectorFilter
from tenants.admin.links import LinkAdmin
from tenants.people import Hand


@admin.register(ConnectLink)
class ConnectLinkAdmin(LinkAdmin):
    list_display = ("meant", "whose", "condition", "maker", "ends")
    list_filter = (ConnectorFilter, *LinkAdmin.list_filter)
    fields = ("meant", "whose", "condition", "maker", "ends", "came_of")
    readonly_fields = fields

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Its address stands on the answer to this POST and nowhere else."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        initial = {"tenant": request.GET.get("tenant")}
        form = StaffLinkForm(request.POST or None, request=request, site=self.admin_site, initial=initial)
        if request.method == "POST" and form.is_valid():
            said, hand, now = form.cleaned_data, Hand.of_person(request, request.user), clock()
            try:
                wanted = {key: said[key] for key in ("connection", "environment", "login_host")}
                wanted |= {"random": secrets.token_bytes, "now": now}
                link, token = links.make(said["tenant"], said["connector"], hand, **wanted)
                shown = {"link": link, "text": links.address_of(token), "title": "Copy the address now"}
                back = reverse("admin:connections_connectlink_changelist")
                return self.page(request, "console/link_made.html", back=back, **shown)
            except LoginHostRefused as wrong:
                form.add_error("login_host", str(wrong))
            except links.Refused as refused:
                form.add_error(None, str(refused))
        title, lead = "Make a connect link", "Somebody without an account connects one system for one tenant by it."
        return self.page(request, "console/form.html", form=form, title=title, lead=lead, submit="Make the link")

    @staff.display(description="system", ordering="connector_key")
    def meant(self, link: ConnectLink) -> str:
        return link.system

    @staff.display(description="ends", ordering="expires_at")
    def ends(self, link: ConnectLink) -> str:
        return staff.moment(link.expires_at)

    @staff.display(description="connection")
    def came_of(self, link: ConnectLink) -> str:
        return staff.page_link(link.connection) if link.connection else "–"

    @staff.verb(
        "Take back",
        icon="block",
        tone="danger",
        when=lambda link: link.open(clock()),
        asks="The link leads nowhere any more, and whoever is on the way gets no further.",
    )
    def revoke(self, request: HttpRequest, link: ConnectLink, said: dict[str, Any], *, now: datetime) -> staff.Done:
        try:
            links.revoke(link, Hand.of_person(request, request.user), now=now)
        except links.Ended:
            raise staff.Declined("The link has ended already.") from None
        return staff.Done("The link is taken back.", told=True)
