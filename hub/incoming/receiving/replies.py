"""Reply credentials: URLs that came with an item, at which it can be answered for a short time."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F
from django.views.decorators.debug import sensitive_variables

from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.incoming.models import InboundItem, InboundMessage

REPLY_URL_VALID_FOR = timedelta(minutes=30)  # of Slack's response URLs, which take as many answers:
MAX_REPLIES = 5
# how long credentials are stored: beyond their end, as the system's answer says more than we know
REPLY_URL_STORED_FOR = timedelta(hours=1)
MESSAGES_AT_ONCE = 1000  # of one step
REPLY_URL_FIELD = "response_url"


@sensitive_variables()
def use_reply_url(connection: Connection, item_id: str, *, now: datetime) -> str:
    """Return the URL at which an item of a connection is answered, and count the answer.

    Raises LookupError, with the reason, if there is none.
    """
    message = _find_message(connection, item_id)
    if message is None:
        raise LookupError("the connection received no such item that can be answered")
    if now - message.received_at >= REPLY_URL_VALID_FOR:
        raise LookupError("it was received more than 30 minutes ago")
    rows = InboundMessage.unscoped.filter(pk=message.pk, reply_count__lt=MAX_REPLIES)
    if not rows.update(reply_count=F("reply_count") + 1):
        raise LookupError(f"it was answered {MAX_REPLIES} times")
    try:
        return str(message.open()[REPLY_URL_FIELD])
    except (CannotOpen, KeyError):
        raise LookupError("its address for an answer cannot be read") from None


def _find_message(connection: Connection, item_id: str) -> InboundMessage | None:
    """Return the message with a reply credential that has this item; None if there is none."""
    try:
        id = UUID(item_id)
    except ValueError:
        return None
    items = InboundItem.unscoped.filter(
        public_id=id, connection=connection, message__sealed__isnull=False
    )
    item = items.select_related("message").first()
    return item.message if item else None


def forget_reply_credentials(*, now: datetime) -> None:
    """Delete credentials that are no longer valid; a step of the sweep."""
    old = InboundMessage.unscoped.filter(
        sealed__isnull=False, received_at__lt=now - REPLY_URL_STORED_FOR
    )
    ids = list(old.order_by("received_at").values_list("pk", flat=True)[:MESSAGES_AT_ONCE])
    if ids:
        InboundMessage.unscoped.filter(pk__in=ids).update(sealed=None)
