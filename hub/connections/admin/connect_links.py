"""Staff pages of connect links: create one for a tenant, read its state, revoke it."""

import secrets
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from hub import staff
from hub.audit import ActorContext
from hub.connections.actions.reconnect_links import MadeConnectLink, show_link_once
from hub.connections.connecting import connect_links
from hub.connections.connecting.connect_links import CONNECT_LINK_ACTIONS
from hub.connections.forms.connect_link_forms import StaffConnectLinkForm
from hub.connections.models import ConnectLink
from hub.db.clock import clock
from hub.problems import show_refusal
from hub.throttle.admin import ConnectorFilter
from tenants.admin.portal_link_admin import LinkAdmin


@admin.register(ConnectLink)
class ConnectLinkAdmin(LinkAdmin):
    empty_text = (
        "A connect link lets a person without an account connect one system. It is shown "
        "once, when it is made."
    )
    empty_step = staff.EmptyStep(
        "Create a connect link", "admin:connections_connectlink_add", "connections.add_connectlink"
    )
    list_display = ("system_label", "tenant_link", "state_badge", "maker", "expiry")
    declared_actions = CONNECT_LINK_ACTIONS
    list_filter = (ConnectorFilter, *LinkAdmin.list_filter)
    fields = (
        "system_label",
        "tenant_link",
        "state_badge",
        "maker",
        "expiry",
        "resulting_connection",
    )
    readonly_fields = fields

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the address of the new link in the response to this POST, and nowhere else."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = StaffConnectLinkForm(request.POST or None, request=request, site=self.admin_site)
        values = {"tenant": request.GET.get("tenant")}
        form.initial.update(staff.select_valid_values(form.fields, values))
        if request.method == "POST" and form.is_valid():
            with show_refusal(request, form):
                return self.create_link(request, form.cleaned_data)
        title, lead = (
            "Create a connect link",
            (
                "With a connect link, a person without an account can connect one system for "
                "one tenant."
            ),
        )
        return self.page(
            request,
            "console/form.html",
            form=form,
            title=title,
            lead=lead,
            submit="Create the link",
        )

    def create_link(self, request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
        """Create the link and show its address.

        Raises ConnectLinkRefused or LoginHostRefused if the link cannot be created.
        """
        link, token = connect_links.create_connect_link(
            data["tenant"],
            data["connector"],
            ActorContext.of_request(request),
            connection=data["connection"],
            environment=data["environment"],
            login_host=data["login_host"],
            random=secrets.token_bytes,
            now=clock(),
        )
        made = MadeConnectLink(link, connect_links.build_connect_link_url(token))
        back = reverse("admin:connections_connectlink_changelist")
        return self.render_once(request, show_link_once(made), back=back)

    @staff.display(description="system", ordering="connector_key")
    def system_label(self, link: ConnectLink) -> str:
        return link.system

    @staff.display(description="expires", ordering="expires_at")
    def expiry(self, link: ConnectLink) -> str:
        return staff.render_time(link.expires_at)

    @staff.display(description="connection")
    def resulting_connection(self, link: ConnectLink) -> str:
        return staff.render_page_link(link.connection) if link.connection else "–"
