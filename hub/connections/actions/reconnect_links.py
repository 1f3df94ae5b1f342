"""Create a reconnect link, a connect link of a connection; show it once or mail it."""

from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from hub import mail
from hub.actions import Action, ActionForm, ShownOnce, declare_actions
from hub.audit import ActorContext
from hub.connections.actions.connection_actions import WRITE_SCOPE
from hub.connections.connecting.connect_links import build_connect_link_url, create_connect_link
from hub.connections.models import Connection, ConnectLink
from hub.problems import Refusal
from tenants.api_key_format import RandomBytes


class ReconnectLinkRefused(Refusal):
    """The connection belongs to no tenant, or the link cannot be mailed."""


class MadeConnectLink(NamedTuple):
    link: ConnectLink
    url: str  # is not stored
    recipient: str = ""  # to whom it is mailed; empty: it is shown


def show_link_once(made: MadeConnectLink) -> ShownOnce:
    return ShownOnce(
        text=made.url,
        title="Copy the address now",
        heading=f"{made.link.tenant}: {made.link.system}",
        note=_(
            "The address is shown only once. Anyone who has it can use it, once and within 24 "
            "hours, so send it to one person only."
        ),
    )


class ReconnectLinkForm(ActionForm):
    """The recipient of the link; by default the person who connected the account."""

    email = forms.EmailField(
        required=False,
        label="Send by e-mail to",
        help_text="Leave empty to copy the link and send it yourself.",
    )

    def __init__(self, *args: Any, obj: Connection, **options: Any) -> None:
        super().__init__(*args, obj=obj, **options)
        if obj.connected_by:
            self.initial["email"] = obj.connected_by.email


def can_send_reconnect_link(connection: Connection) -> bool:
    """Return whether the connection has a tenant and an installed connector; a link needs both."""
    connector = CONNECTORS.get(connection.connector_key)
    return (
        connector is not None and not connector.is_for_platform and connection.tenant_id is not None
    )


def send_reconnect_link(
    connection: Connection,
    actor: ActorContext,
    *,
    email: str = "",
    random: RandomBytes,
    now: datetime,
) -> MadeConnectLink:
    """Create a connect link of the connection, and mail it if `email` is given.

    Raises ReconnectLinkRefused, and ConnectLinkRefused if the link cannot be created.
    """
    if connection.tenant is None:
        raise ReconnectLinkRefused(
            "This connection belongs to the platform. Staff can reconnect it."
        )
    link, token = create_connect_link(
        connection.tenant,
        connection.connector,
        actor,
        connection=connection,
        random=random,
        now=now,
    )
    made = MadeConnectLink(link, build_connect_link_url(token), email)
    after = {"mailed": bool(email)}
    actor.audit("connection.send_reconnect_link", connection, after=after, now=now)
    if email:
        _mail_link(connection, made, now=now)
    return made


def _mail_link(connection: Connection, made: MadeConnectLink, *, now: datetime) -> None:
    until = made.link.expires_at
    context = {
        "connection": connection.name,
        "system": connection.connector.label,
        "tenant": made.link.tenant.name,
        "hub": settings.HUB_NAME,
        "until": until,
        "url": made.url,
    }
    try:
        mail.queue_mail(made.recipient, "mail/reconnect_link.txt", context, until=until, now=now)
    except mail.MailNotConfigured as error:
        raise ReconnectLinkRefused(f"{error} Leave the address empty, and copy the link.") from None


RECONNECT_ACTIONS = declare_actions(
    Action[Connection](
        name="reconnect_link",
        label="Send a reconnect link",
        question=(
            "A person with this link can authorize the connection again without an account "
            "here: once, within 24 hours, in the browser in which it is first opened. Held "
            "deliveries are then sent."
        ),
        summary="Create a reconnect link",
        run=send_reconnect_link,
        describe_result=lambda made: (
            f"The link is being sent to {made.recipient}."
            if made.recipient
            else "The link has been created."
        ),
        show_once=lambda made: None if made.recipient else show_link_once(made),
        makes_token=True,
        form=ReconnectLinkForm,
        is_available=can_send_reconnect_link,
        scope=WRITE_SCOPE,
        icon="forward_to_inbox",
        withheld={
            "portal": "Customers reconnect on the page of the connection, or send a "
            "connect link of it."
        },
    ),
)
