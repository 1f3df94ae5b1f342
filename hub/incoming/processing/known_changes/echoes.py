"""Set echoes aside: items that the hub's own changes caused, and bouncing records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.connections.models import USER_ID
from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import AttributedItem
from hub.incoming.processing.replay.item_filters import BOUNCING
from hub.notices.notify import create_notice
from hub.outgoing.echo.recognize import ReceivedChange, Recognition, recognize_changes

ECHO = "echo"


def mark_echoes(attributed: Sequence[AttributedItem], *, now: datetime) -> None:
    """Set the state of received items that are echoes, or whose record bounces between two systems.

    A replayed item is published, as a person requested it.
    """
    compared = [entry for entry in attributed if not entry.row.replay_number]
    recognitions = recognize_changes([build_change(entry) for entry in compared], now=now)
    for entry, recognition in zip(compared, recognitions, strict=True):
        _apply_recognition(entry.row, recognition, now=now)


def _apply_recognition(row: InboundItem, recognition: Recognition, *, now: datetime) -> None:
    if recognition.is_echo:
        row.state, row.reason, row.state_changed_at = "echo", ECHO, now
    elif recognition.is_bouncing:
        row.state, row.reason, row.state_changed_at = "held", BOUNCING, now
        _create_bounce_notice(row, now=now)


def build_change(entry: AttributedItem) -> ReceivedChange:
    """Return the change of a record that the item reports."""
    row, item = entry.row, entry.item
    assert row.connection_id is not None and item is not None
    record = item.data.get("record")
    values: Mapping[str, Any] = record if isinstance(record, Mapping) else {}
    return ReceivedChange(
        row.connection_id,
        item.type.partition(".")[0],
        item.record,
        values,
        item.changed_fields,
        is_own=item.is_own,
        is_foreign=item.is_by_person or has_foreign_author(row),
        change=item.type.partition(".")[2],
        changed_at=item.changed_at,
    )


def has_foreign_author(row: InboundItem) -> bool:
    """Return whether a user other than the one who connected the account caused the item.

    The reverse proves nothing: the connecting user is a person who edits records, too.
    """
    assert row.connection is not None
    source, own_user = row.connection.connector.webhook_source, row.connection.settings.get(USER_ID)
    if source is None or not own_user or not row.author:
        return False
    return not source.is_same_account(row.author, str(own_user))


def _create_bounce_notice(row: InboundItem, *, now: datetime) -> None:
    """Create one notice for each record and hour."""
    assert row.connection is not None
    create_notice(
        "bouncing",
        "bouncing",
        {"connection": row.connection.name, "record": row.record},
        occurrence=f"{row.connection_id}:{row.record}:{now:%Y%m%d%H}",
        tenant_id=row.tenant_id,
        connection_id=row.connection_id,
        now=now,
    )
