"""Attribute items of an unknown account when that account is connected."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from hub.connections.models import DISCONNECTED, Connection
from hub.incoming.models import InboundItem
from hub.incoming.processing.replay.item_filters import TOO_OLD
from hub.queue import wake_loop

# an older item waits for a replay: its question is not current
UNMATCHED_AGE_MAX = timedelta(hours=24)

ITEMS_AT_ONCE = 1000  # of the newest unmatched ones, in one step


def attribute_items_of_connected_accounts(*, now: datetime) -> None:
    """Attribute the newest unmatched items whose account has a connection; a step of the sweep.

    An account may connect while its item is processed: neither transaction sees the other.
    """
    unmatched = InboundItem.unscoped.filter(state="unmatched", connection=None).exclude(account="")
    newest = unmatched.order_by("-pk").values_list("connector_key", "account")[:ITEMS_AT_ONCE]
    accounts = set(newest)
    if not accounts:
        return
    candidates = Connection.unscoped.filter(
        connector_key__in={key for key, _ in accounts},
        account__in={account for _, account in accounts},
        tenant__isnull=False,
    ).exclude(state="disabled", reason=DISCONNECTED)
    for connection in candidates.order_by("pk"):
        if (connection.connector_key, connection.account) in accounts:
            with transaction.atomic():
                attribute_unmatched_items(connection, now=now)


def attribute_unmatched_items(connection: Connection, *, now: datetime) -> None:
    """Attribute the unmatched items of a connection's account, in the caller's transaction.

    Only a URL that serves all tenants receives items of
    accounts that are not connected.
    """
    source = connection.connector.webhook_source
    if source is None or source.url_per != "app" or not (connection.tenant and connection.account):
        return
    existing = InboundItem.unscoped.filter(connection=connection, item_key=OuterRef("item_key"))
    unmatched = InboundItem.unscoped.filter(
        state="unmatched",
        connection=None,
        connector_key=connection.connector_key,
        account=connection.account,
    ).exclude(Exists(existing))
    owner = {"connection": connection, "tenant": connection.tenant, "state_changed_at": now}
    oldest = now - UNMATCHED_AGE_MAX
    unmatched.filter(received_at__lt=oldest).update(state="held", reason=TOO_OLD, **owner)
    if unmatched.update(state="received", reason="", detail="", **owner):
        wake_loop("inbox", now=now)
