"""Store what deliveries are about to write, and complete these rows when they are settled."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from connectors.roles import RecordToWrite
from hub.db import bulk
from hub.outgoing.models import RememberedWrite
from hub.queue import wake_up

# longer than a day, as a nightly sync may read what was written just after the one before
REMEMBERED_FOR = timedelta(hours=48)
# the changes of a record, as in the types of events
CREATED, UPDATED, DELETED = "created", "updated", "deleted"


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """What one attempt of a delivery is about to write."""

    delivery_id: int
    connection_id: int
    record_to_write: RecordToWrite
    is_forwarded: bool  # its event came from another system
    is_repeated: bool  # an earlier attempt may have arrived
    is_reported: bool  # the system sends us a webhook of such a change

    @property
    def change(self) -> str:
        """Return what happens to the record; "" if only the answer shows it."""
        changes = list_possible_changes(self.record_to_write)
        return changes[0] if len(changes) == 1 else ""


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """What the answer to a delivered write tells."""

    reference: str = ""  # the id of the record
    created: bool | None = None  # whether the record was created; None: it does not tell
    # between which times the record was changed, by the system's clock; None: it does not tell
    changed_from: datetime | None = None
    changed_until: datetime | None = None
    is_reported: bool = True  # False: nothing was changed, so the system sends no webhook


def list_possible_changes(record_to_write: RecordToWrite) -> tuple[str, ...]:
    """List what may happen to a record that is written."""
    if record_to_write.is_deletion:
        return (DELETED,)
    if record_to_write.record:
        return (UPDATED,)
    return (CREATED, UPDATED) if record_to_write.may_exist else (CREATED,)


def remember_writes(writes: Sequence[RecordWrite], *, now: datetime) -> None:
    """Store what is about to be written; each repetition of a write may cause one more echo."""
    repeated = [write.delivery_id for write in writes if write.is_repeated and write.is_reported]
    if repeated:
        rows = RememberedWrite.unscoped.filter(pk__in=repeated)
        rows.update(expected_echoes=F("expected_echoes") + 1)
    columns: dict[str, Sequence[Any]] = {
        "delivery_id": [write.delivery_id for write in writes],
        "connection_id": [write.connection_id for write in writes],
        "object": [write.record_to_write.object for write in writes],
        "record": [write.record_to_write.record for write in writes],
        "change": [write.change for write in writes],
        "fields": [dict(write.record_to_write.fields) for write in writes],
        "is_forwarded": [write.is_forwarded for write in writes],
        "expected_echoes": [int(write.is_reported) for write in writes],
        "echo_count": [0] * len(writes),
        "is_pair_due": [False] * len(writes),
        "written_at": [now] * len(writes),
    }
    bulk.insert_rows(RememberedWrite, columns, ignore_conflicts=True)


def complete_writes(
    answers: Mapping[int, WriteAnswer], unwritten: Collection[int], *, now: datetime
) -> None:
    """Store what the answers tell of the delivered writes, and delete writes without effect.

    `answers` are by delivery. The pairs of records that were created for another system's event are
    stored by the task that releases held deliveries, which is woken.
    """
    ids = sorted({*answers, *unwritten})
    # in one order, as the inbox locks them, too
    rows = RememberedWrite.unscoped.filter(pk__in=ids).select_for_update().order_by("pk")
    delivered = [write for write in rows if write.pk not in unwritten]
    for write in delivered:
        _apply_answer(write, answers[write.pk])
    names = ("record", "change", "is_pair_due", "expected_echoes", "changed_from", "changed_until")
    columns: dict[str, Sequence[Any]] = {
        name: [getattr(write, name) for write in delivered] for name in names
    }
    bulk.update_rows(RememberedWrite, [write.pk for write in delivered], columns)
    if unwritten:
        RememberedWrite.unscoped.filter(pk__in=unwritten, expected_echoes__lte=1).delete()
    if any(write.is_pair_due for write in delivered):
        wake_up("drain", now=now)


def _apply_answer(write: RememberedWrite, answer: WriteAnswer) -> None:
    """Complete a write; earlier attempts of it may have changed the record before."""
    if not write.record and answer.reference:
        write.is_pair_due = write.is_forwarded
    write.record = answer.reference or write.record
    if answer.created is not None and not write.change:
        write.change = CREATED if answer.created else UPDATED
    is_repeated = write.expected_echoes > 1
    write.changed_from = None if is_repeated else answer.changed_from
    write.changed_until = answer.changed_until
    if not answer.is_reported and not is_repeated:
        write.expected_echoes = write.echo_count


def delete_old_writes(*, now: datetime) -> None:
    """Delete writes that are older than two days; a step of the sweep."""
    old = RememberedWrite.unscoped.filter(written_at__lt=now - REMEMBERED_FOR)
    old.filter(is_pair_due=False).delete()
