"""The rows that stand for a whole message: it could not be read, or its processing failed."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.parsing import CANNOT_BE_READ, ParsedMessage

MESSAGE_FAILED = "message_failed"


def build_message_row(
    message: InboundMessage, reason: str, detail: str = "", *, now: datetime
) -> InboundItem:
    """Build the quarantined row of a message."""
    connection = message.endpoint.connection
    return InboundItem(
        message=message,
        connector_key=message.connector_key,
        tenant=connection.tenant if connection else message.tenant,
        connection=connection,
        item_key=str(message.public_id),
        state="quarantined",
        reason=reason,
        detail=detail,
        received_at=message.received_at,
        state_changed_at=now,
    )


def store_failed_message(message: InboundMessage, *, now: datetime) -> None:
    """Quarantine a message whose processing failed too often."""
    row = build_message_row(message, MESSAGE_FAILED, now=now)
    InboundItem.unscoped.bulk_create([row], ignore_conflicts=True)
    _find_replayed_rows([message]).update(
        state="quarantined", reason=MESSAGE_FAILED, state_changed_at=now
    )


def settle_replayed_rows(parsed: Sequence[ParsedMessage], *, now: datetime) -> None:
    """Set the state of rows that were replayed, after their messages were processed again."""
    replayed = [entry for entry in parsed if entry.message.processed_at]
    readable = [entry.message for entry in replayed if not entry.error]
    if readable:
        _find_replayed_rows(readable).update(state="processed", state_changed_at=now)
    for entry in replayed:
        if entry.error:
            _find_replayed_rows([entry.message]).update(
                state="quarantined",
                reason=CANNOT_BE_READ,
                detail=entry.error,
                state_changed_at=now,
            )


def _find_replayed_rows(messages: Sequence[InboundMessage]) -> QuerySet[InboundItem]:
    return InboundItem.unscoped.filter(
        message__in=[message.pk for message in messages], type="", state="received"
    )
