"""Erase the contents that were received for a connection, at the customer's request."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from hub.connections.models import DISCONNECTED, Connection
from hub.incoming.models import InboundBody, InboundEndpoint, InboundItem, InboundMessage


def erase_received_data(connection: Connection, *, now: datetime) -> None:
    """Delete the bodies of a connection's messages and the contents of its items, in few queries.

    HUB_ERASE_CONNECTION names this function. The rows are kept, as history. A message that other
    connections received as well keeps its body for them. Items that are not processed yet cannot be
    read any more, and are quarantined.
    """
    own_items = InboundItem.unscoped.filter(connection=connection, message=OuterRef("pk"))
    other_items = InboundItem.unscoped.filter(message=OuterRef("pk"), connection__isnull=False)
    messages = InboundMessage.unscoped.filter(
        Q(endpoint__connection=connection) | Q(Exists(own_items)) | _match_waiting(connection),
        ~Q(Exists(other_items.exclude(connection=connection))),
    )
    InboundBody.objects.filter(pk__in=messages.values("pk")).delete()
    messages.update(sealed=None, query="", headers={}, detail="")
    items = InboundItem.unscoped.filter(connection=connection)
    items.update(record="", author="", detail="")


def _match_waiting(connection: Connection) -> Q:
    """Match messages for its account, used by no other connection, that wait at the URL of the
    connector app.

    They have no items yet.
    """
    endpoint = InboundEndpoint.unscoped.filter(
        connector_key=connection.connector_key, connection=None
    ).first()
    same_account = Connection.unscoped.filter(
        connector_key=connection.connector_key, account=connection.account, tenant__isnull=False
    )
    others = same_account.exclude(pk=connection.pk).exclude(state="disabled", reason=DISCONNECTED)
    if endpoint is None or not connection.account or others.exists():
        return Q(pk__in=())
    share_key = InboundMessage.build_share_key(endpoint.pk, connection.account)
    return Q(endpoint=endpoint, share_key=share_key, due_at__isnull=False)
