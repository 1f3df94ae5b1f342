"""What was read from a system, against webhooks of the same changes that arrive later."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from hub.db.ids import smallest_id_at
from hub.incoming.models import InboundItem, InboundMessage

READ_BEFORE, SUPERSEDED = "read_before", "superseded"
# the stored headers of a message that was read: the gap, and the time that was read
GAP_HEADER, FROM_HEADER, TO_HEADER = "read-gap", "read-from", "read-to"
UPDATED, CREATED, DELETED = ".updated", ".created", ".deleted"
# between the search for known changes and the storage of those that were not
READ_DURATION_MAX = timedelta(minutes=10)
SECOND_IS_OVER_AFTER = timedelta(seconds=10)  # the clocks may differ

Record = tuple[int | None, str, str]  # connection, object, id
Times = Mapping[Record, datetime]


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
        if (row.connection_id, row.change_key) in read:
            _mark_duplicate(row, READ_BEFORE, now=now)
        row.change_key = ""
    return webhooks


def mark_outdated_changes(rows: Sequence[InboundItem], *, now: datetime) -> None:
    """Mark changes of records of which a later state is known from the other way.

    Of webhooks: those whose record was read since, or in the state of that second. Of what was
    read: records of which a webhook has told since. So the last event of a record has its last
    state. Creations and deletions are told of in any order.
    """
    changes = [
        row
        for row in rows
        if row.record and row.changed_at and row.state in ("received", "held")
        if row.type.endswith(UPDATED)
    ]
    for is_read in (False, True):
        group = [row for row in changes if row.is_read == is_read]
        times = _find_newest_changes(group) if group else {}
        for row in group:
            newest, changed_at = times.get(_identify_record(row)), row.changed_at
            assert changed_at is not None
            if newest is not None and newest > changed_at:
                _mark_duplicate(row, SUPERSEDED, now=now)
            elif newest == changed_at and not row.is_read:
                _mark_duplicate(row, READ_BEFORE, now=now)


def _find_newest_changes(rows: Sequence[InboundItem]) -> Times:
    """Return when the records of these rows had changed last, as the other way told."""
    others = InboundItem.unscoped.filter(
        connection__in={row.connection_id for row in rows},
        record__in={row.record for row in rows},
        changed_at__gte=min(row.changed_at for row in rows if row.changed_at),
        is_read=not rows[0].is_read,
    )
    if rows[0].is_read:
        since = min(row.received_at for row in rows) - READ_DURATION_MAX
        others = others.filter(public_id__gte=smallest_id_at(since))
    times: dict[Record, datetime] = {}
    for row in others.only(
        "connection_id", "type", "record", "changed_at", "is_read", "received_at"
    ):
        record, known_until = _identify_record(row), _find_known_time(row)
        times[record] = max(times.get(record, known_until), known_until)
    return times


def _find_known_time(row: InboundItem) -> datetime:
    """Return up to when an item tells of its record.

    One that was read at once may have changed again within that second, in which systems count.
    """
    assert row.changed_at is not None
    is_final = not row.is_read or row.received_at - row.changed_at > SECOND_IS_OVER_AFTER
    return row.changed_at if is_final else row.changed_at - timedelta(microseconds=1)


def _identify_record(row: InboundItem) -> Record:
    return row.connection_id, row.type.rpartition(".")[0], row.record


def _mark_duplicate(row: InboundItem, reason: str, *, now: datetime) -> None:
    if row.state in ("received", "held"):
        row.state, row.reason, row.state_changed_at = "duplicate", reason, now
