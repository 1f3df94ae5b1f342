"""Process claimed messages: each batch is one transaction, which publishes and marks."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db import Error, transaction

from hub.incoming.models import InboundEndpoint, InboundItem, InboundMessage
from hub.incoming.processing.attribution import (
    attribute_items,
    build_item_row,
    load_connections,
)
from hub.incoming.processing.claim import MAX_ATTEMPTS
from hub.incoming.processing.parsing import parse_messages
from hub.incoming.processing.publishing import count_states, publish_items, store_items
from hub.processes.failpoints import failpoint

log = structlog.get_logger(__name__)


def process_messages(messages: Sequence[InboundMessage], lease: UUID, *, now: datetime) -> None:
    """Process claimed messages; a failure leaves them to be tried again, each alone.

    A message that failed MAX_ATTEMPTS times is quarantined. Raises the database's errors.
    """
    if len(messages) == 1 and messages[0].attempt_count > MAX_ATTEMPTS:
        quarantine_message(messages[0], lease, now=now)
        return
    try:
        process_batch(messages, lease, now=now)
    except Error:
        raise
    except Exception:
        log.exception("incoming.batch_failed", messages=len(messages))
        InboundMessage.unscoped.filter(lease=lease).update(lease=None, lease_until=None)


@transaction.atomic
def process_batch(
    messages: Sequence[InboundMessage], lease: UUID, *, now: datetime
) -> Counter[str]:
    """Store the items of messages, publish their events, and mark the messages as processed.

    Messages whose lease was lost are left to their new holder.
    """
    held = _lock_leased(messages, lease)
    parsed = parse_messages(held)
    connections = load_connections(parsed)
    attributed = [
        entry for message in parsed for entry in attribute_items(message, connections, now=now)
    ]
    new = store_items(attributed)
    publish_items(new, now=now)
    _mark_processed(held, now=now)
    failpoint("R3")  # before the commit
    return count_states(attributed, new)


def _lock_leased(messages: Sequence[InboundMessage], lease: UUID) -> list[InboundMessage]:
    """Lock the messages that this lease still holds, and return these."""
    rows = InboundMessage.unscoped.filter(pk__in=[message.pk for message in messages], lease=lease)
    held = set(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    return [message for message in messages if message.pk in held]


def _mark_processed(messages: Sequence[InboundMessage], *, now: datetime) -> None:
    InboundMessage.unscoped.filter(pk__in=[message.pk for message in messages]).update(
        due_at=None, lease=None, lease_until=None, processed_at=now
    )
    endpoints = {message.endpoint_id for message in messages}
    InboundEndpoint.unscoped.filter(pk__in=endpoints).update(last_item_at=now)


@transaction.atomic
def quarantine_message(message: InboundMessage, lease: UUID, *, now: datetime) -> None:
    """Set a message aside that could not be processed, so that its neighbours are not delayed."""
    if not _lock_leased([message], lease):
        return
    row = build_item_row(message, message.endpoint.connection, now=now)
    row.item_key = str(message.public_id)
    row.state, row.reason = "quarantined", "defect"
    InboundItem.unscoped.bulk_create([row], ignore_conflicts=True)
    _mark_processed([message], now=now)
