"""What was read from a system, against webhooks of the same changes that arrive later."""

from collections.abc import Sequence
from datetime import datetime

from hub.incoming.models import InboundItem, InboundMessage

READ_BEFORE = "read_before"
# the stored headers of a message that was read: the gap, and the time that was read
GAP_HEADER, FROM_HEADER, TO_HEADER = "read-gap", "read-from", "read-to"


def build_window(gap_id: str, from_at: datetime, to_at: datetime) -> dict[str, str]:
    """Return the headers of messages that a read of this gap stores."""
    return {GAP_HEADER: gap_id, FROM_HEADER: from_at.isoformat(), TO_HEADER: to_at.isoformat()}


def read_window(message: InboundMessage) -> dict[str, str]:
    """Return what an event says of the read that found it; empty if none did for a gap."""
    if not message.is_read or GAP_HEADER not in message.headers:
        return {}
    names = {"gap": GAP_HEADER, "from": FROM_HEADER, "to": TO_HEADER}
    return {name: message.headers[header] for name, header in names.items()}


def separate_late_webhooks(rows: Sequence[InboundItem], *, now: datetime) -> list[InboundItem]:
    """Return the webhooks among rows whose change another item tells of, without its key.

    If that item was read, they are duplicates. Two webhooks may tell of two changes within one
    second, so both are published.
    """
    webhooks = [row for row in rows if not row.is_read]
    if not webhooks:
        return []
    owners = InboundItem.unscoped.filter(
        connection__in={row.connection_id for row in webhooks},
        change_key__in={row.change_key for row in webhooks},
        is_read=True,
    )
    read = set(owners.values_list("connection", "change_key"))
    for row in webhooks:
        is_read = (row.connection_id, row.change_key) in read
        if is_read and row.state in ("received", "held"):
            row.state, row.reason, row.state_changed_at = "duplicate", READ_BEFORE, now
        row.change_key = ""
    return webhooks
