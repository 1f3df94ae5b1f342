"""Items that arrived for the former account of a connection, and name no account themselves."""

from datetime import datetime

from django.db.models import Q

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import FORMER_ACCOUNT, HOLD_REASONS


def hold_items_of_former_account(connection: Connection, *, now: datetime) -> None:
    """Hold what is not published yet for a person, in the transaction that replaces the account.

    An item that names its account is compared with the
    connection's when it is released.
    """
    waiting = Q(state="received") | Q(state="held", reason__in=HOLD_REASONS)
    items = InboundItem.unscoped.filter(waiting, connection=connection, account="").exclude(type="")
    count = items.update(state="held", reason=FORMER_ACCOUNT, attempt_count=0, state_changed_at=now)
    if count:
        ActorContext.system().audit(
            "connection.hold_webhooks",
            connection,
            tenant=connection.tenant,
            after={"items": count},
            now=now,
        )
