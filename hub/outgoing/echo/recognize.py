"""Recognize echoes: received changes that the system reports as caused by our app (`is_own`), and
those in which every changed field has the value that the hub wrote.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from hub.outgoing.echo.remember import REMEMBERED_FOR
from hub.outgoing.echo.values import is_same_value
from hub.outgoing.models import RememberedWrite

BOUNCE_PERIOD = timedelta(minutes=10)
MAX_BOUNCES = 5  # writes to one record for another system's events, in BOUNCE_PERIOD

RecordKey = tuple[int, str, str]  # connection, object, record


@dataclass(frozen=True, slots=True)
class ReceivedChange:
    """A change of a record that a connection received."""

    connection_id: int
    object: str
    record: str
    values: Mapping[str, Any]  # of the whole record, as far as the system sent it
    changed_fields: (
        Mapping[str, Any] | None
    )  # None: the system does not tell, so it may be any of them
    is_own: bool = False  # the system itself says that our app caused it
    is_foreign: bool = False  # another user than the connected one caused it: it is no echo
    is_deletion: bool = False


@dataclass(frozen=True, slots=True)
class Recognition:
    """The classification of a received change."""

    is_echo: bool = False
    is_bouncing: bool = False  # the same two records have changed each other several times


NEW_CHANGE, OWN_CHANGE = Recognition(), Recognition(is_echo=True)


def recognize_changes(changes: Sequence[ReceivedChange], *, now: datetime) -> list[Recognition]:
    """Classify each change; a write explains as many echoes as it had attempts.

    Runs in the caller's transaction: one query, and two more if there are echoes.
    """
    writes = _load_writes(changes, now=now)
    recognitions: list[Recognition] = []
    echoed: list[RememberedWrite] = []
    for change in changes:
        write = None if change.is_own else _find_write(change, writes)
        if write is not None:
            write.echo_count += 1
            echoed.append(write)
        if change.is_own or write is not None:
            recognitions.append(OWN_CHANGE)
        else:
            is_bouncing = _count_bounces(change, writes, now=now) >= MAX_BOUNCES
            recognitions.append(Recognition(is_bouncing=is_bouncing))
    _count_echoes(echoed)
    return recognitions


def _load_writes(
    changes: Iterable[ReceivedChange], *, now: datetime
) -> dict[RecordKey, list[RememberedWrite]]:
    """Load the writes to these records, and writes that created a record and are not settled."""
    compared = [change for change in changes if change.record and not change.is_own]
    if not compared:
        return {}
    rows = RememberedWrite.unscoped.filter(
        connection__in={change.connection_id for change in compared},
        object__in={change.object for change in compared},
        record__in={"", *(change.record for change in compared)},
        written_at__gte=now - REMEMBERED_FOR,
    )
    writes: dict[RecordKey, list[RememberedWrite]] = {}
    for write in rows.order_by("pk"):
        key = (write.connection_id, write.object, write.record)
        writes.setdefault(key, []).append(write)
    return writes


def _find_write(
    change: ReceivedChange, writes: Mapping[RecordKey, Sequence[RememberedWrite]]
) -> RememberedWrite | None:
    """Return the write that explains a change; None if none does."""
    if change.is_foreign or change.is_deletion or not change.record:
        return None
    for record in (change.record, ""):
        for write in writes.get((change.connection_id, change.object, record), ()):
            if write.echo_count < write.expected_echoes and explains_change(write.fields, change):
                return write
    return None


def explains_change(written: Mapping[str, Any], change: ReceivedChange) -> bool:
    """Return whether every changed field has the written value.

    If the system does not report which fields changed, the written fields in its report are
    compared.
    """
    changed = change.changed_fields
    if changed is None:
        changed = {name: change.values[name] for name in written if name in change.values}
    return bool(changed) and all(
        name in written and is_same_value(written[name], value) for name, value in changed.items()
    )


def _count_bounces(
    change: ReceivedChange,
    writes: Mapping[RecordKey, Sequence[RememberedWrite]],
    *,
    now: datetime,
) -> int:
    """Return how often the record was written recently because its counterpart had changed."""
    if not change.record:
        return 0
    of_record = writes.get((change.connection_id, change.object, change.record), ())
    since = now - BOUNCE_PERIOD
    return sum(write.is_forwarded and write.written_at >= since for write in of_record)


def _count_echoes(writes: Sequence[RememberedWrite]) -> None:
    if not writes:
        return
    rows = RememberedWrite.unscoped.filter(pk__in={write.pk for write in writes})
    # in one order, as the settling of deliveries locks them, too
    ids = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    RememberedWrite.unscoped.filter(pk__in=ids).update(echo_count=F("echo_count") + 1)
