"""Process items that were released, replayed or attributed later: parse their messages again."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import connection as database
from django.db import transaction
from django.db.models import Q

from connectors.webhook_sources import Item
from hub.db.outages import is_database_away, is_database_busy
from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import AttributedItem, decide_state
from hub.incoming.processing.claim import MAX_ATTEMPTS
from hub.incoming.processing.due_items import (
    ARRIVAL_ORDER,
    BATCH_SIZE,
    count_attempt,
    due_items,
    list_candidates,
    list_connections,
    uncount_attempt,
)
from hub.incoming.processing.message_rows import MESSAGE_FAILED
from hub.incoming.processing.parsing import UNREADABLE_REASON, ParsedMessage, parse_messages
from hub.incoming.processing.publishing import publish_items, save_results
from hub.processes.failpoints import failpoint

log = structlog.get_logger(__name__)

NOT_IN_MESSAGE = "its message has no such item any more"
RELATED_ROWS = (
    "message__endpoint__connection__lane",
    "message__endpoint__connection__tenant",
    "connection__lane",
    "connection__tenant",
    "connection__disconnection",
    "tenant",
)


def process_due_items(*, after: int = 0, now: datetime) -> int | None:
    """Process the next due items, in turns between their connections, beginning behind `after`.

    Returns the connection that was served last, None if no item was due. If no new item is due, one
    that failed before is tried alone; after MAX_ATTEMPTS failures it is quarantined. Raises the
    errors of a lost database connection.
    """
    connections = list_connections(after=after)
    new = due_items().filter(pk__in=list_candidates(connections), attempt_count=0)
    ids = count_attempt(new, limit=BATCH_SIZE) if connections else []
    ids = ids or count_attempt(due_items().filter(attempt_count__gt=0), limit=1)
    if not ids:
        return None
    try:
        process_items(ids, now=now)
        failpoint("R8")  # after the commit
    except Exception as error:
        if is_database_away(error, is_usable=database.is_usable):
            raise
        if is_database_busy(error):
            log.warning("incoming.database_busy", error=str(error), items=len(ids))
            uncount_attempt(ids)
        else:
            log.exception("incoming.items_failed", items=len(ids))
            quarantine_failed_items(ids, now=now)
    return connections[-1] if connections else after


@transaction.atomic
def process_items(ids: Sequence[int], *, now: datetime) -> None:
    """Determine the state of stored items again, and publish those that are not held."""
    locked = (
        due_items()
        .filter(pk__in=ids)
        .select_for_update(of=("self",), skip_locked=True, no_key=True)
    )
    rows = list(locked.select_related(*RELATED_ROWS).order_by(*ARRIVAL_ORDER))
    exhausted = [row for row in rows if row.attempt_count > MAX_ATTEMPTS]
    for row in exhausted:
        set_state(row, "quarantined", MESSAGE_FAILED, now=now)
    ready = [row for row in rows if row.attempt_count <= MAX_ATTEMPTS]
    messages = {row.message_id: row.message for row in ready}
    parsed = {entry.message.pk: entry for entry in parse_messages(list(messages.values()))}
    attributed = [decide_state_again(row, parsed[row.message_id], now=now) for row in ready]
    publish_items(attributed, now=now)
    save_results([row for row in rows if row.state != "processed"])
    failpoint("R7")  # before the commit


def decide_state_again(row: InboundItem, parsed: ParsedMessage, *, now: datetime) -> AttributedItem:
    """Set the state of a stored item by its message as it is parsed today."""
    item = find_item(row, parsed)
    if item is None:
        set_state(row, "quarantined", UNREADABLE_REASON, parsed.error or NOT_IN_MESSAGE, now=now)
    else:
        is_replay = row.replay_number > 0
        state = decide_state(parsed.message, item, row.connection, is_replay=is_replay)
        set_state(row, *state, now=now)
    return AttributedItem(row, item)


def find_item(row: InboundItem, parsed: ParsedMessage) -> Item | None:
    """Return the parsed item of a row: the one with its key, if several at its position."""
    matches = [
        (position != row.position, position, item)
        for position, item in parsed.readable_items
        if item.id == row.item_key
    ]
    return min(matches, key=lambda entry: entry[:2])[2] if matches else None


def set_state(
    row: InboundItem, state: str, reason: str = "", detail: str = "", *, now: datetime
) -> None:
    row.state, row.reason, row.detail, row.state_changed_at = state, reason, detail, now


def quarantine_failed_items(ids: Sequence[int], *, now: datetime) -> None:
    """Quarantine the items that have no attempt left."""
    failed = due_items().filter(Q(pk__in=ids), attempt_count__gte=MAX_ATTEMPTS)
    failed.update(state="quarantined", reason=MESSAGE_FAILED, state_changed_at=now)
