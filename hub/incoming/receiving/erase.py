"""Erase the contents that were received for a connection, at the customer's request."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from hub.connections.models import Connection
from hub.incoming.models import InboundBody, InboundItem, InboundMessage


def erase_received_data(connection: Connection, *, now: datetime) -> None:
    """Delete the bodies of a connection's messages and what its items name, in few statements.

    HUB_ERASE_CONNECTION names this function. The rows stay, as history. A message that other
    connections received as well keeps its body for these. Items that are not processed yet cannot
    be read any more, and are quarantined.
    """
    own_items = InboundItem.unscoped.filter(connection=connection, message=OuterRef("pk"))
    other_items = InboundItem.unscoped.filter(message=OuterRef("pk"), connection__isnull=False)
    messages = InboundMessage.unscoped.filter(
        Q(endpoint__connection=connection) | Q(Exists(own_items)),
        ~Q(Exists(other_items.exclude(connection=connection))),
    )
    InboundBody.objects.filter(pk__in=messages.values("pk")).delete()
    messages.update(sealed=None, query="", headers={}, detail="")
    items = InboundItem.unscoped.filter(connection=connection)
    items.update(record="", author="", detail="")
