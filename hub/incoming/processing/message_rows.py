"""Rows that represent a message, or a notification in it, that could not be processed."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.parsing import UNREADABLE_REASON, ParsedMessage

MESSAGE_FAILED = "message_failed"


def build_message_row(
    message: InboundMessage,
    reason: str,
    detail: str = "",
    *,
    position: int | None = None,
    now: datetime,
) -> InboundItem:
    """Build the quarantined row of a message, or of the notification at a position in it."""
    connection = message.endpoint.connection
    return InboundItem(
        message=message,
        connector_key=message.connector_key,
        tenant=connection.tenant if connection else message.tenant,
        connection=connection,
        item_key=build_row_key(message, position),
        position=position or 0,
        state="quarantined",
        reason=reason,
        detail=detail,
        received_at=message.received_at,
        state_changed_at=now,
    )


def store_failed_message(message: InboundMessage, *, now: datetime) -> InboundItem:
    """Quarantine a message whose processing failed too often; return its row."""
    row = build_message_row(message, MESSAGE_FAILED, now=now)
    InboundItem.unscoped.bulk_create([row], ignore_conflicts=True)
    _find_replayed_rows([message]).update(
        state="quarantined", reason=MESSAGE_FAILED, state_changed_at=now
    )
    return row


def build_row_key(message: InboundMessage, position: int | None) -> str:
    """Return the key of the row that represents a message, or a notification in it."""
    return str(message.public_id) if position is None else f"{message.public_id}:{position}"


def settle_replayed_rows(parsed: Sequence[ParsedMessage], *, now: datetime) -> None:
    """Set the state of replayed rows after their messages were processed again."""
    replayed = [entry for entry in parsed if entry.message.processed_at]
    for entry in replayed:
        for key, detail in _list_failures(entry):
            _find_replayed_rows([entry.message]).filter(item_key=key).update(
                state="quarantined", reason=UNREADABLE_REASON, detail=detail, state_changed_at=now
            )
    readable = [entry.message for entry in replayed if not entry.error]
    if readable:
        _find_replayed_rows(readable).update(state="processed", state_changed_at=now)


def _list_failures(entry: ParsedMessage) -> list[tuple[str, str]]:
    """List the keys of the rows that still cannot be parsed, with the cause."""
    if entry.error:
        return [(build_row_key(entry.message, None), entry.error)]
    return [
        (build_row_key(entry.message, position), item.detail)
        for position, item in entry.unreadable_items
    ]


def _find_replayed_rows(messages: Sequence[InboundMessage]) -> QuerySet[InboundItem]:
    return InboundItem.unscoped.filter(
        message__in=[message.pk for message in messages], type="", state="received"
    )
