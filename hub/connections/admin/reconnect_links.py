"""Create a reconnect link, a connect link of a connection; show it once or mail it."""

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from connectors.registry import CONNECTORS
from hub import mail, staff
from hub.audit import ActorContext
from hub.connections.connecting import connect_links
from hub.connections.forms.connect_link_forms import ReconnectLinkForm
from hub.connections.models import Connection, ConnectLink


def can_send_reconnect_link(connection: Connection) -> bool:
    """Return whether the connection has a tenant and an installed connector; a link needs both."""
    connector = CONNECTORS.get(connection.connector_key)
    return (
        connector is not None and not connector.is_for_platform and connection.tenant_id is not None
    )


class ReconnectLinkMixin(staff.ModelAdmin):
    """Mixin of the connections' admin: the action *Send a reconnect link*."""

    @staff.row_action(
        "Send a reconnect link",
        icon="forward_to_inbox",
        is_available=can_send_reconnect_link,
        form=ReconnectLinkForm,
        question=(
            "A person with this link can authorize the connection again without an account "
            "here: once, within 24 hours, in the browser in which it is first opened. Held "
            "deliveries are then sent."
        ),
    )
    def send_reconnect_link(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        if connection.tenant is None:
            raise staff.ActionRejected("This connection belongs to the platform.")
        link, token = connect_links.create_connect_link(
            connection.tenant,
            connection.connector,
            ActorContext.of_request(request),
            connection=connection,
            random=secrets.token_bytes,
            now=now,
        )
        changes = {"reason": data.get("reason", ""), "after": {"mailed": bool(data["email"])}}
        self.audit_action(request, "send_reconnect_link", connection, now=now, **changes)
        if not data["email"]:
            page = self.show_link(request, connection, link, token)
            return staff.ActionResult("The link has been created.", page=page)
        self.mail_link(connection, link, token, data["email"], now=now)
        return staff.ActionResult(f"The link is being sent to {data['email']}.")

    def show_link(
        self, request: HttpRequest, connection: Connection, link: ConnectLink, token: str
    ) -> HttpResponse:
        context = {
            "link": link,
            "text": connect_links.build_connect_link_url(token),
            "title": "Copy the address now",
        }
        return self.page(
            request, "console/link_made.html", back=self.change_url(connection), **context
        )

    def mail_link(
        self, connection: Connection, link: ConnectLink, token: str, to: str, *, now: datetime
    ) -> None:
        context = {
            "connection": connection.name,
            "system": connection.connector.label,
            "tenant": connection.tenant.name if connection.tenant else "",
            "hub": settings.HUB_NAME,
            "until": link.expires_at,
            "url": connect_links.build_connect_link_url(token),
        }
        try:
            mail.queue_mail(to, "mail/reconnect_link.txt", context, until=link.expires_at, now=now)
        except mail.MailNotConfigured as error:
            raise staff.ActionRejected(
                f"{error} Leave the address empty, and copy the link."
            ) from None
