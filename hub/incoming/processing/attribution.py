"""Attribute items to the connections of their account, and determine their state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from connectors.webhook_sources import Item
from hub.connections.models import DISCONNECTED, Connection, get_pending_disconnection
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.message_rows import build_message_row
from hub.incoming.processing.parsing import UNREADABLE_REASON, ParsedMessage
from hub.mappings.models import Identity

OTHER_ACCOUNT, UNKNOWN_ACCOUNT = "other_account", "unknown_account"
# of items that arrived after their account was disconnected: while that can be undone, and later
DISCONNECT_PENDING, DISCONNECT_FINAL = "disconnect_pending", "disconnect_final"
# of items that name no account, and arrived for another account than the connection has now
FORMER_ACCOUNT = "former_account"
# the reasons for which items are held until their cause ends
HOLD_REASONS = (
    "tenant_suspended",
    "switched_off",
    DISCONNECTED,
    DISCONNECT_PENDING,
    "connection_paused",
    "connection_disabled",
)
STATE_REASONS = {"paused": "connection_paused", "disabled": "connection_disabled"}

USER = "user"  # the kind of identities of users
Author = tuple[int | None, str]  # connection, external id
ConnectionsByAccount = Mapping[tuple[str, str], Sequence[Connection]]


@dataclass(slots=True)
class AttributedItem:
    """An item as parsed by the connector, with the row that is stored for it."""

    row: InboundItem
    item: Item | None = None  # None: the message could not be read


def load_connections(messages: Iterable[ParsedMessage]) -> ConnectionsByAccount:
    """Load the connections of the accounts that messages at app-wide URLs name, in one query."""
    accounts = {
        (parsed.message.connector_key, item.account)
        for parsed in messages
        if parsed.message.endpoint.connection_id is None
        for _, item in parsed.readable_items
        if item.account
    }
    if not accounts:
        return {}
    candidates = (
        Connection.unscoped.filter(
            connector_key__in={key for key, _ in accounts},
            account__in={account for _, account in accounts},
            tenant__isnull=False,
        )
        .exclude(Q(state="disabled") & Q(reason=DISCONNECTED) & Q(disconnection=None))
        .select_related("lane", "tenant", "disconnection")
        .order_by("pk")
    )
    connections: dict[tuple[str, str], list[Connection]] = {}
    for connection in candidates:
        key = (connection.connector_key, connection.account)
        if key in accounts:
            connections.setdefault(key, []).append(connection)
    return connections


def attribute_items(
    parsed: ParsedMessage, connections: ConnectionsByAccount, *, now: datetime
) -> list[AttributedItem]:
    """Build a row for each item and connection.

    A message, or a notification in it, that cannot be parsed gets one quarantined row.
    """
    message = parsed.message
    if parsed.error:
        row = build_message_row(message, UNREADABLE_REASON, parsed.error, now=now)
        return [AttributedItem(row)]
    attributed = [
        AttributedItem(
            build_message_row(message, UNREADABLE_REASON, item.detail, position=position, now=now)
        )
        for position, item in parsed.unreadable_items
    ]
    for position, item in parsed.readable_items:
        for connection in find_connections(message, item, connections):
            row = build_item_row(message, connection, item, position=position, now=now)
            row.state, row.reason = decide_state(message, item, connection)
            attributed.append(AttributedItem(row, item))
    return attributed


def find_connections(
    message: InboundMessage, item: Item, connections: ConnectionsByAccount
) -> Sequence[Connection | None]:
    """Return the connections to which an item belongs; [None] if there is none."""
    own_connection = message.endpoint.connection
    if own_connection is not None:
        return [own_connection]
    return connections.get((message.connector_key, item.account)) or [None]


def decide_state(
    message: InboundMessage, item: Item, connection: Connection | None, *, is_replay: bool = False
) -> tuple[str, str]:
    """Return the initial state and reason of an item.

    An item that names no account belongs to the account that was connected when it arrived, unless
    a person replays it. One that arrived before its account was disconnected waits for the account
    to be connected again. One that arrived later waits for an undo, and is skipped if no undo is
    possible.
    """
    if connection is None:
        return "unmatched", UNKNOWN_ACCOUNT
    if item.account and not is_same_account(item.account, connection):
        return "quarantined", OTHER_ACCOUNT
    if not item.account and not is_replay and is_older_than_account(message, connection):
        return "held", FORMER_ACCOUNT
    if connection.is_disconnected and message.received_at > connection.state_changed_at:
        is_pending = get_pending_disconnection(connection) is not None
        return ("held", DISCONNECT_PENDING) if is_pending else ("skipped", DISCONNECT_FINAL)
    if reason := find_hold_reason(connection):
        return "held", reason
    return "received", ""


def is_same_account(account: str, connection: Connection) -> bool:
    """Return whether an item's account is the connection's.

    The connector compares, as an id may have two spellings.
    """
    source = connection.connector.webhook_source
    if not connection.account:
        return True  # the system names no account when it is connected
    return source is not None and source.is_same_account(account, connection.account)


def is_older_than_account(message: InboundMessage, connection: Connection) -> bool:
    """Return whether a message arrived before the connection got the account that it has now."""
    since = connection.account_since
    return since is not None and message.received_at < since


def find_hold_reason(connection: Connection) -> str:
    """Return the reason to hold items of a connection; "" if they are processed."""
    if connection.tenant and connection.tenant.suspended:
        return "tenant_suspended"
    if connection.is_disconnected:
        return DISCONNECTED
    if connection.state in STATE_REASONS:
        return STATE_REASONS[connection.state]
    if connection.lane.switched_off_by:
        return "switched_off"
    return ""


def build_item_row(
    message: InboundMessage,
    connection: Connection | None,
    item: Item,
    *,
    position: int,
    now: datetime,
) -> InboundItem:
    """Build the row of an item."""
    return InboundItem(
        message=message,
        connector_key=message.connector_key,
        tenant=connection.tenant if connection else message.tenant,
        connection=connection,
        account=item.account,
        item_key=item.id,
        change_key=item.change_key if connection else "",
        position=position,
        type=f"{message.connector_key}.{item.type}",
        record=item.record,
        changed_at=item.changed_at,
        is_read=message.is_read,
        author=item.author,
        occurred_at=item.occurred_at,
        received_at=message.received_at,
        state_changed_at=now,
    )


def find_users(items: Iterable[InboundItem]) -> Mapping[Author, str]:
    """Return our users who are paired with the items' authors by identities; one query."""
    authors = {(item.connection_id, item.author) for item in items if item.author}
    if not authors:
        return {}
    identities = Identity.confirmed().filter(
        kind=USER,
        connection__in={connection_id for connection_id, _ in authors},
        remote_id__in={author for _, author in authors},
    )
    rows = identities.order_by("pk").values_list("connection", "remote_id", "local_id")
    return {(connection_id, remote_id): local_id for connection_id, remote_id, local_id in rows}
