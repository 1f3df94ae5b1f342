"""Staff let the customer reconnect: a connect link for a connection, shown once or sent by mail."""

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from connectors.registry import CONNECTORS
from hub import mail, staff
from hub.connections import links
from hub.connections.link_forms import ReconnectLinkForm
from hub.connections.models import Connection, ConnectLink
from tenants.people import Hand


def can_be_reconnected(connection: Connection) -> bool:
    """Whether somebody at the customer can authorize it: it has a tenant, and its system is installed."""
    known = CONNECTORS.get(connection.connector_key)
    return known is not None and not known.platform and connection.tenant_id is not None


class ReconnectLinkMixin:
    """Before the admin of connections: the verb *Send a reconnect link*."""

    page: Any
    row_url: Any

    @staff.verb(
        "Send a reconnect link",
        icon="forward_to_inbox",
        when=can_be_reconnected,
        form=ReconnectLinkForm,
        asks="Whoever has the link can authorize this connection again, without an account here: once, within 24 "
        "hours, in the browser where it is opened first. What is held then goes.",
    )
    def send_reconnect_link(
        self, request: HttpRequest, row: Connection, said: dict[str, Any], *, now: datetime
    ) -> staff.Done:
        hand = Hand.of_person(request, request.user)
        try:
            link, token = links.make(
                row.tenant, row.connector, hand, connection=row, random=secrets.token_bytes, now=now
            )
        except links.Refused as refused:
            raise staff.Declined(str(refused)) from None
        if not said["email"]:
            return staff.Done(
                "The link is made.", after={"mailed": False}, page=self.made_link(request, row, link, token)
            )
        self.mail_link(row, link, token, said["email"], now=now)
        return staff.Done(f"The link goes to {said['email']} now.", after={"mailed": True})

    def made_link(self, request: HttpRequest, row: Connection, link: ConnectLink, token: str) -> HttpResponse:
        shown = {"link": link, "text": links.address_of(token), "title": "Copy the address now"}
        return self.page(request, "console/link_made.html", back=self.row_url(row), **shown)

    def mail_link(self, row: Connection, link: ConnectLink, token: str, to: str, *, now: datetime) -> None:
        context = {
            "connection": row.name,
            "system": row.connector.label,
            "tenant": row.tenant.name if row.tenant else "",
            "hub": settings.HUB_NAME,
            "until": link.expires_at,
            "url": links.address_of(token),
        }
        try:
            mail.send(to, "mail/reconnect_link.txt", context, until=link.expires_at, now=now)
        except mail.NotSetUp as error:
            raise staff.Declined(f"{error} Leave the address empty, and copy the link.") from None
