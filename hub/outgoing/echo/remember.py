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


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """What one attempt of a delivery is about to write."""

    delivery_id: int
    connection_id: int
    record_to_write: RecordToWrite
    is_forwarded: bool  # its event came from another system
    is_repeated: bool  # an earlier attempt may have arrived


def remember_writes(writes: Sequence[RecordWrite], *, now: datetime) -> None:
    """Store what is about to be written; each repetition of a write may cause one more echo."""
    repeated = [write.delivery_id for write in writes if write.is_repeated]
    if repeated:
        rows = RememberedWrite.unscoped.filter(pk__in=repeated)
        rows.update(expected_echoes=F("expected_echoes") + 1)
    columns: dict[str, Sequence[Any]] = {
        "delivery_id": [write.delivery_id for write in writes],
        "connection_id": [write.connection_id for write in writes],
        "object": [write.record_to_write.object for write in writes],
        "record": [write.record_to_write.record for write in writes],
        "fields": [dict(write.record_to_write.fields) for write in writes],
        "is_forwarded": [write.is_forwarded for write in writes],
        "expected_echoes": [1] * len(writes),
        "echo_count": [0] * len(writes),
        "is_pair_due": [False] * len(writes),
        "written_at": [now] * len(writes),
    }
    bulk.insert_rows(RememberedWrite, columns, ignore_conflicts=True)


def complete_writes(
    references: Mapping[int, str], unwritten: Collection[int], *, now: datetime
) -> None:
    """Store which records the delivered writes concern, and delete the writes that had no effect.

    `references`: the id of the record, by delivery. The pairs of records that were created for
    another system's event are stored by the task that releases held deliveries, which is woken.
    """
    ids = sorted({*references, *unwritten})
    # in one order, as the inbox locks them, too
    rows = RememberedWrite.unscoped.filter(pk__in=ids).select_for_update().order_by("pk")
    created = []
    for write in rows:
        if write.pk in unwritten:
            continue
        if not write.record and references[write.pk]:
            write.record, write.is_pair_due = references[write.pk], write.is_forwarded
            created.append(write)
    columns: dict[str, Sequence[Any]] = {
        "record": [write.record for write in created],
        "is_pair_due": [write.is_pair_due for write in created],
    }
    bulk.update_rows(RememberedWrite, [write.pk for write in created], columns)
    if unwritten:
        RememberedWrite.unscoped.filter(pk__in=unwritten, expected_echoes=1).delete()
    if any(write.is_pair_due for write in created):
        wake_up("drain", now=now)


def delete_old_writes(*, now: datetime) -> None:
    """Delete writes that are older than two days; a step of the sweep."""
    old = RememberedWrite.unscoped.filter(written_at__lt=now - REMEMBERED_FOR)
    old.filter(is_pair_due=False).delete()
