"""Erase the contents that were received for a connection, at the customer's request."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from hub.connections.models import DISCONNECTED, Connection
from hub.db.ids import smallest_id_at
from hub.incoming.models import InboundBody, InboundEndpoint, InboundItem, InboundMessage
from hub.outgoing.models import ReceivedDataErasure

# how long before and after an erasure a message may be received and stored only after it
RECEIVED_BEFORE_MAX, STORED_AFTER_MAX = timedelta(minutes=1), timedelta(minutes=10)


def erase_received_data(connection: Connection, *, now: datetime) -> None:
    """Delete the bodies of a connection's messages and the contents of its items, in few queries.

    The rows are kept, as history. A message that other
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


def erase_late_messages(*, now: datetime) -> None:
    """Erase messages received while their connection was erased; a step of the sweep.

    The data of an account that was connected again is left unchanged.
    """
    recent = ReceivedDataErasure.unscoped.filter(
        erased_at__gt=now - STORED_AFTER_MAX,
        connection__state="disabled",
        connection__reason=DISCONNECTED,
    )
    for erasure in recent.select_related("connection"):
        late_messages = InboundMessage.unscoped.filter(
            endpoint__connection=erasure.connection,
            public_id__gte=smallest_id_at(erasure.erased_at - RECEIVED_BEFORE_MAX),
        )
        if InboundBody.objects.filter(pk__in=late_messages.values("pk")).exists():
            erase_received_data(erasure.connection, now=now)


def _match_waiting(connection: Connection) -> Q:
    """Match messages of the connection's account that wait without items at its app's URL.

    Matches nothing if another connection uses the account.
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
