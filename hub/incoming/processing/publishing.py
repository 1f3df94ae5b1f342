"""Store attributed items, and publish the events of those that are not held."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.outcomes import clean_text
from connectors.webhook_sources import Item
from hub.connections.actions.account_changes import apply_account_change
from hub.connections.models import Connection
from hub.db import bulk
from hub.db.storable import make_storable
from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import AttributedItem, Author, find_users
from hub.incoming.processing.held_items.author_fallbacks import apply_author_fallbacks
from hub.incoming.processing.known_changes.canaries import mark_canaries
from hub.incoming.processing.known_changes.echoes import mark_echoes
from hub.incoming.processing.known_changes.outdated_changes import mark_outdated_changes
from hub.incoming.processing.known_changes.read_changes import read_window, separate_late_webhooks
from hub.outgoing.intake.event_input import EventConflict, EventInput, PublishedEvent
from hub.outgoing.intake.publish import publish_independently

MAX_EVENT_ID_LENGTH = 190  # characters; of a longer key the digest is used
SENDER_VALUES = "sender_values"
# names in the data of events
STATED_BY_HUB = ("connection", "item", "author", "read", SENDER_VALUES)
ItemKey = tuple[int | None, str, str, str]


def store_items(attributed: Sequence[AttributedItem], *, now: datetime) -> list[AttributedItem]:
    """Insert the items that are new, and return them; an existing one is a duplicate.

    A change that was read is not read again, and its late webhook is stored as a duplicate; two
    webhooks of one second are two changes. Rows are inserted in the order of their unique keys, so
    that two batches with the same items cannot deadlock.
    """
    first: dict[ItemKey, AttributedItem] = {}
    for entry in attributed:
        first.setdefault(_build_key(entry.row), entry)
    if not first:
        return []
    _insert_missing(first)
    rows = [entry.row for entry in first.values() if entry.row.pk is None and entry.row.change_key]
    late = separate_late_webhooks(rows, now=now)
    _insert_missing({key: first[key] for key in map(_build_key, late)})
    return [entry for entry in first.values() if entry.row.pk is not None]


def _insert_missing(entries: Mapping[ItemKey, AttributedItem]) -> None:
    """Insert the rows that do not exist; they get their primary key."""
    if not entries:
        return
    rows = sorted((entry.row for entry in entries.values()), key=_order_rows)
    inserted = bulk.insert_missing_rows(
        InboundItem,
        bulk.column_values(InboundItem, rows),
        ("connection", "connector_key", "account", "item_key", "id"),
    )
    for *key, pk in inserted:
        entries[_build_key_of_columns(*key)].row.pk = pk


def _order_rows(row: InboundItem) -> tuple[int, str, str, str, str]:
    connection_id, connector_key, account, item_key = _build_key(row)
    return connection_id or 0, row.change_key, connector_key, account, item_key


def _build_key(row: InboundItem) -> ItemKey:
    return _build_key_of_columns(row.connection_id, row.connector_key, row.account, row.item_key)


def _build_key_of_columns(
    connection_id: int | None, connector_key: str, account: str, item_key: str
) -> ItemKey:
    """Return the unique key: connection and item, or else connector, account and item."""
    return connection_id, connector_key, "" if connection_id else account, item_key


def apply_account_changes(attributed: Sequence[AttributedItem], *, now: datetime) -> None:
    """Apply new items that report changes of the account itself, even to paused connections.

    Connections are processed in the order of their keys, as each is locked.
    """
    for entry in sorted(attributed, key=lambda entry: entry.row.connection_id or 0):
        is_attributed = entry.row.state in ("received", "held")
        if entry.item and entry.item.account_change and entry.row.connection and is_attributed:
            occurred_at = entry.row.occurred_at or entry.row.received_at
            apply_account_change(
                entry.row.connection,
                entry.item.account_change,
                occurred_at=occurred_at,
                now=now,
            )


def publish_items(attributed: Sequence[AttributedItem], *, now: datetime) -> None:
    """Publish the items that are received, and mark them as processed.

    Runs in the caller's transaction.
    """
    received = [entry for entry in attributed if entry.row.state == "received" and entry.item]
    mark_canaries(received, now=now)
    mark_echoes([entry for entry in received if entry.row.state == "received"], now=now)
    ready = [entry for entry in received if entry.row.state == "received"]
    users = dict(find_users(entry.row for entry in ready))
    apply_author_fallbacks([entry.row for entry in ready], users, now=now)
    mark_outdated_changes([entry for entry in ready if entry.row.state == "received"], now=now)
    ready = [entry for entry in ready if entry.row.state == "received"]
    by_connector: dict[str, list[AttributedItem]] = {}
    for entry in ready:
        by_connector.setdefault(entry.row.connector_key, []).append(entry)
    for connector_key, entries in by_connector.items():
        results = publish_independently(
            [build_event_input(entry, users) for entry in entries], source=connector_key, now=now
        )
        for entry, result in zip(entries, results, strict=True):
            record_result(entry.row, result, now=now)
    save_results([entry.row for entry in received])


def build_event_input(entry: AttributedItem, users: Mapping[Author, str]) -> EventInput:
    """Return the event of an item. A replay creates a separate event."""
    row, item = entry.row, entry.item
    assert row.connection is not None and row.tenant is not None and item is not None
    return EventInput(
        row.tenant,
        row.type,
        build_event_data(row, item, users),
        build_event_id(row.connection, row),
        row.occurred_at,
        origin=row.connection,
    )


def build_event_data(row: InboundItem, item: Item, users: Mapping[Author, str]) -> dict[str, Any]:
    """Return the item's data, with what the hub itself states.

    These are the connection that received it, the item's id if it has a reply URL, the user of ours
    whom an identity pairs with its author, and the gap in whose read it was found: all changes of a
    record in that time are one event.

    The sender's own values of these names are kept in SENDER_VALUES, so they cannot be mistaken
    for ours, even where the hub states nothing. Characters that mappings refuse are replaced.
    """
    assert row.connection is not None
    sent = make_storable(dict(item.data))
    data = {name: value for name, value in sent.items() if name not in STATED_BY_HUB}
    if sender_values := {name: sent[name] for name in STATED_BY_HUB if name in sent}:
        data[SENDER_VALUES] = sender_values
    data["connection"] = str(row.connection.public_id)
    if row.message.sealed is not None:
        data["item"] = str(row.public_id)
    if window := read_window(row.message):
        data["read"] = window
    if user := users.get((row.connection_id, row.author)):
        data["author"] = {"id": row.author, "user": user}
    return data


def build_event_id(connection: Connection, row: InboundItem) -> str:
    """Return the id of an item's event, from connection, item and number of the replay.

    A long key is replaced by its digest, as two long keys may begin alike. The replay's number
    precedes the key, as another key may end with such a number.
    """
    replay = f".{row.replay_number}" if row.replay_number else ""
    id = f"{connection.public_id}{replay}:{row.item_key}"
    if len(id) > MAX_EVENT_ID_LENGTH:
        id = f"{connection.public_id}{replay}:{hashlib.sha256(row.item_key.encode()).hexdigest()}"
    return id


def record_result(row: InboundItem, result: PublishedEvent | Exception, *, now: datetime) -> None:
    """Set the state of an item by the result of publishing it.

    An item whose event exists already, even with other content, is a duplicate.
    """
    if isinstance(result, PublishedEvent):
        row.state = "processed" if result.is_new else "duplicate"
        row.event = result.event
    elif isinstance(result, EventConflict):
        row.state = "duplicate"
    else:
        row.state, row.reason = "quarantined", "cannot_be_published"
        row.detail = clean_text(result, 500)
    row.state_changed_at = now


def save_results(rows: Sequence[InboundItem]) -> None:
    """Store state and event of items, in one statement."""
    if not rows:
        return
    columns: dict[str, list[Any]] = {
        name: [getattr(row, name) for row in rows]
        for name in ("state", "reason", "detail", "event_id", "state_changed_at")
    }
    columns["event"] = columns.pop("event_id")
    bulk.update_rows(InboundItem, [row.pk for row in rows], columns)


def count_states(
    attributed: Sequence[AttributedItem], new: Sequence[AttributedItem]
) -> Counter[str]:
    """Return the number of items in each state; those that existed before count as duplicates."""
    counts = Counter(str(entry.row.state) for entry in new)
    counts["duplicate"] = len(attributed) - len(new)
    return counts
