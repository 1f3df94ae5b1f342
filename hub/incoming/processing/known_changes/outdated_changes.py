"""Changes of records of which a later state was published before, or the same one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.http import load_json
from hub.db.storable import make_storable
from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import AttributedItem
from hub.incoming.processing.known_changes.read_changes import READ_BEFORE
from hub.outgoing.models import EventBody

SUPERSEDED, SAME_STATE = "superseded", "same_state"
UPDATED, CREATED, DELETED = ".updated", ".created", ".deleted"
SECOND_IS_OVER_AFTER = timedelta(seconds=10)  # the clocks may differ
MOMENT = timedelta(microseconds=1)

Record = tuple[int | None, str, str]  # connection, object, id


@dataclass(frozen=True, slots=True)
class PublishedState:
    """The newest state of a record that an event tells, up to `known_until`.

    `values` are None where they need not be compared.
    """

    known_until: datetime
    is_read: bool = False
    is_deletion: bool = False
    event_id: int = 0
    values: Any = None

    @property
    def rank(self) -> tuple[datetime, bool, int]:
        return self.known_until, self.is_read, self.event_id


def mark_outdated_changes(entries: Sequence[AttributedItem], *, now: datetime) -> None:
    """Mark items of which an event of the same record has told before, or of what came after them.

    So the last event of a record has its last state, in whatever order its messages arrive. A
    creation is published behind updates, as routes may take nothing else, and behind a deletion
    only what came after it. A replayed item is published, as a person requested it.
    """
    compared = [
        entry
        for entry in entries
        if entry.row.record and entry.row.changed_at and not entry.row.replay_number
    ]
    states = _find_newest_states(compared)
    _load_values(states, compared)
    for entry in compared:
        record, newest = _identify_record(entry.row), states.get(_identify_record(entry.row))
        if newest and (reason := _find_reason(entry, newest)):
            row = entry.row
            row.state, row.reason, row.state_changed_at = "duplicate", reason, now
            continue
        state = _describe_state(entry.row, values=_get_values(entry))
        if newest is None or state.known_until >= newest.known_until:
            states[record] = state


def _find_reason(entry: AttributedItem, newest: PublishedState) -> str:
    """Return why an item is not published behind this state of its record; "" if it is."""
    row, item = entry.row, entry.item
    assert row.changed_at is not None and item is not None
    is_older = row.changed_at < newest.known_until
    if not row.type.endswith(UPDATED):
        is_ended = newest.is_deletion and row.type.endswith(CREATED)
        return SUPERSEDED if is_older and is_ended else ""
    if is_older:
        return SUPERSEDED
    if row.changed_at > newest.known_until or row.is_read:
        return ""
    if newest.is_read:
        return READ_BEFORE
    is_same = _has_values_of_sending(entry) and _get_values(entry) == newest.values
    return SAME_STATE if is_same else ""


def _find_newest_states(entries: Sequence[AttributedItem]) -> dict[Record, PublishedState]:
    """Return the newest states of these records that were published, if not older than all."""
    if not entries:
        return {}
    published = InboundItem.unscoped.filter(
        connection__in={entry.row.connection_id for entry in entries},
        record__in={entry.row.record for entry in entries},
        changed_at__gte=min(entry.row.changed_at for entry in entries if entry.row.changed_at),
        event__isnull=False,
    )
    states: dict[Record, PublishedState] = {}
    for row in published.only(
        "connection_id", "type", "record", "changed_at", "is_read", "received_at", "event_id"
    ):
        record, state = _identify_record(row), _describe_state(row)
        if record not in states or state.rank > states[record].rank:
            states[record] = state
    return states


def _load_values(states: dict[Record, PublishedState], entries: Sequence[AttributedItem]) -> None:
    """Load the values of states that items of their record may tell again."""
    compared = {
        record: state
        for entry in entries
        if (state := states.get(record := _identify_record(entry.row)))
        if state.known_until == entry.row.changed_at and _has_values_of_sending(entry)
    }
    if not compared:
        return
    rows = EventBody.objects.filter(pk__in=[state.event_id for state in compared.values()])
    bodies = dict(rows.values_list("pk", "body"))
    for record, state in compared.items():
        if body := bodies.get(state.event_id):
            values = load_json(bytes(body))["data"].get("record")
            states[record] = replace(state, values=values)


def _describe_state(row: InboundItem, values: Any = None) -> PublishedState:
    """Return up to when an item tells of its record.

    One that was read at once may have changed again within that second, in which systems count.
    """
    assert row.changed_at is not None
    is_deletion, known_until = row.type.endswith(DELETED), row.changed_at
    if is_deletion:
        known_until += MOMENT
    elif row.is_read and row.received_at - row.changed_at <= SECOND_IS_OVER_AFTER:
        known_until -= MOMENT
    return PublishedState(known_until, row.is_read, is_deletion, row.event_id or 0, values)


def _has_values_of_sending(entry: AttributedItem) -> bool:
    """Return whether the system sends no changes, but a record as it is when a message is sent."""
    assert entry.item is not None
    return not entry.row.is_read and entry.item.changed_fields is None


def _get_values(entry: AttributedItem) -> Any:
    assert entry.item is not None
    return make_storable(entry.item.data.get("record"))


def _identify_record(row: InboundItem) -> Record:
    return row.connection_id, row.type.rpartition(".")[0], row.record
