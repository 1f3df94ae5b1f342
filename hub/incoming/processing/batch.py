"""Process claimed messages in batches; a transaction publishes its events and marks them."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connection as database
from django.db import transaction
from django.db.models import F, Q

from hub.db.outages import is_database_away, is_database_busy
from hub.incoming.models import InboundEndpoint, InboundMessage
from hub.incoming.processing.attribution import attribute_items, load_connections
from hub.incoming.processing.claim import MAX_ATTEMPTS, MESSAGE_LEASES
from hub.incoming.processing.held_items.release import queue_behind_earlier_items
from hub.incoming.processing.item_gaps import open_gaps_of_items
from hub.incoming.processing.message_rows import settle_replayed_rows, store_failed_message
from hub.incoming.processing.parsing import parse_messages
from hub.incoming.processing.publishing import (
    apply_account_changes,
    count_states,
    publish_items,
    save_results,
    store_items,
)
from hub.processes.failpoints import failpoint

log = structlog.get_logger(__name__)

RETRY_DELAY = timedelta(seconds=1)  # before a message that failed is tried again
LAST_ITEM_PRECISION = timedelta(seconds=1)  # of `InboundEndpoint.last_item_at`


def process_messages(messages: Sequence[InboundMessage], lease: UUID, *, now: datetime) -> None:
    """Process claimed messages; if this fails, each is tried again alone.

    A message that failed MAX_ATTEMPTS times is quarantined. A lock timeout does not count as a
    failure: the messages are processed again at once. Raises the errors of a lost database
    connection.
    """
    if len(messages) == 1 and messages[0].attempt_count > MAX_ATTEMPTS:
        quarantine_message(messages[0], lease, now=now)
        return
    try:
        process_batch(messages, lease, now=now)
        failpoint("R4")  # after the commit
    except Exception as error:
        if is_database_away(error, is_usable=database.is_usable):
            raise
        if is_database_busy(error):
            log.warning("incoming.database_busy", error=str(error), messages=len(messages))
            release_untried_messages(messages, lease, now=now)
        else:
            log.exception("incoming.batch_failed", messages=len(messages))
            release_failed_messages(messages, lease, now=now)


@transaction.atomic
def process_batch(
    messages: Sequence[InboundMessage], lease: UUID, *, now: datetime
) -> Counter[str]:
    """Store the items of messages, publish their events, and mark the messages as processed.

    Messages whose lease was lost are skipped, as another process has claimed them.
    """
    leased_messages = _lock_leased(messages, lease)
    parsed = parse_messages(leased_messages)
    connections = load_connections(parsed)
    attributed = [
        entry for message in parsed for entry in attribute_items(message, connections, now=now)
    ]
    new = store_items(attributed, now=now)
    apply_account_changes(new, now=now)
    waiting = queue_behind_earlier_items([entry.row for entry in new], now=now)
    save_results(waiting)
    waiting_ids = {row.pk for row in waiting}
    publish_items([entry for entry in new if entry.row.pk not in waiting_ids], now=now)
    open_gaps_of_items([entry.row for entry in new], now=now)
    settle_replayed_rows(parsed, now=now)
    _mark_processed(leased_messages, now=now)
    failpoint("R3")  # before the commit
    return count_states(attributed, new)


def release_failed_messages(
    messages: Sequence[InboundMessage], lease: UUID, *, now: datetime
) -> None:
    """Let messages be tried again, each alone: at once after a batch, later after a failure alone.

    The delay keeps a message that fails repeatedly from delaying the others.
    """
    leased = MESSAGE_LEASES.held(lease).filter(pk__in=[row.pk for row in messages])
    delay = RETRY_DELAY * messages[0].attempt_count if len(messages) == 1 else timedelta()
    leased.update(**MESSAGE_LEASES.released, due_at=now + delay)


def release_untried_messages(
    messages: Sequence[InboundMessage], lease: UUID, *, now: datetime
) -> None:
    """Let messages be claimed again at once; the attempt is not counted."""
    leased = MESSAGE_LEASES.held(lease).filter(pk__in=[row.pk for row in messages])
    attempts = F("attempt_count") - 1
    leased.update(**MESSAGE_LEASES.released, due_at=now, attempt_count=attempts)


def _lock_leased(messages: Sequence[InboundMessage], lease: UUID) -> list[InboundMessage]:
    """Lock the messages that this lease still holds, and return them."""
    leased_ids = MESSAGE_LEASES.lock_held(lease, [message.pk for message in messages])
    return [message for message in messages if message.pk in leased_ids]


def _mark_processed(messages: Sequence[InboundMessage], *, now: datetime) -> None:
    InboundMessage.unscoped.filter(pk__in=[message.pk for message in messages]).update(
        due_at=None, processed_at=now, **MESSAGE_LEASES.released
    )
    outdated = Q(last_item_at=None) | Q(last_item_at__lt=now - LAST_ITEM_PRECISION)
    received = {message.endpoint_id for message in messages if not message.is_read}
    endpoints = InboundEndpoint.unscoped.filter(outdated, pk__in=received)
    locked = endpoints.select_for_update(skip_locked=True, no_key=True)
    if ids := list(locked.values_list("pk", flat=True)):
        InboundEndpoint.unscoped.filter(pk__in=ids).update(last_item_at=now)


@transaction.atomic
def quarantine_message(message: InboundMessage, lease: UUID, *, now: datetime) -> None:
    """Quarantine a message that could not be processed, so that later messages are not delayed."""
    if _lock_leased([message], lease):
        row = store_failed_message(message, now=now)
        open_gaps_of_items([row], now=now)
        _mark_processed([message], now=now)
