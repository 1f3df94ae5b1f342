"""Recognize echoes: received changes that the system reports as caused by our app (`is_own`),
creations and deletions of records that the hub created or deleted, and changes in which every
changed field has the value that the hub wrote.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from connectors.http import dump_json
from hub.outgoing.echo.echo_counts import EchoCounts
from hub.outgoing.echo.remember import CREATED, DELETED, REMEMBERED_FOR, UPDATED
from hub.outgoing.echo.values import is_same_value
from hub.outgoing.models import RememberedWrite

BOUNCE_PERIOD = timedelta(minutes=10)
MAX_BOUNCES = 5  # writes to one record for another system's events, in BOUNCE_PERIOD
STATE_LENGTH = 32  # characters of a digest

RecordKey = tuple[int, str, str]  # connection, object, record


@dataclass(frozen=True, slots=True)
class ReceivedChange:
    """A change of a record that a connection received."""

    connection_id: int
    object: str
    record: str
    values: Mapping[str, Any]  # of the whole record, as far as the system sent it
    # None: the system does not tell, so it may be any of them
    changed_fields: Mapping[str, Any] | None
    is_own: bool = False  # the system itself says that our app caused it
    is_foreign: bool = False  # a person, or another user than the connected one, caused it
    change: str = UPDATED  # the second part of the event's type
    # when the record had been changed last, by the system's clock; None: the system does not tell
    changed_at: datetime | None = None

    @property
    def key(self) -> RecordKey:
        return self.connection_id, self.object, self.record

    @property
    def state(self) -> str:
        """Return the digest of the record's state; "" if the system sends changes, or no time.

        Such a system sends the values of when it sends: two messages may tell the same.
        """
        if self.changed_fields is not None or self.changed_at is None or self.change != UPDATED:
            return ""
        values = dump_json(dict(sorted(self.values.items())))
        return hashlib.sha256(values).hexdigest()[:STATE_LENGTH]


@dataclass(frozen=True, slots=True)
class Recognition:
    """The classification of a received change."""

    is_echo: bool = False
    is_bouncing: bool = False  # the same two records have changed each other several times


class RememberedWrites:
    """The writes to the records of some changes, by record; each in the order of writing."""

    def __init__(self, writes: Iterable[RememberedWrite]) -> None:
        self.by_record: dict[RecordKey, list[RememberedWrite]] = {}
        for write in writes:
            key = (write.connection_id, write.object, write.record)
            self.by_record.setdefault(key, []).append(write)

    def list_of_record(self, change: ReceivedChange) -> Sequence[RememberedWrite]:
        return self.by_record.get(change.key, ()) if change.record else ()

    def list_creations(self, change: ReceivedChange) -> list[RememberedWrite]:
        """List the writes that may have created the record, of which the id is not known."""
        object = change.key[:2]
        return [
            write
            for key, writes in self.by_record.items()
            for write in writes
            if key[:2] == object
            and (not write.record or (write.change == CREATED and write.expected_echoes > 1))
        ]


def recognize_changes(changes: Sequence[ReceivedChange], *, now: datetime) -> list[Recognition]:
    """Classify each change; a write explains as many echoes as it had attempts.

    Runs in the caller's transaction: one query, and two more if a write is concerned.
    """
    writes = _load_writes(changes, now=now)
    counts = EchoCounts()
    recognitions = []
    for change in changes:
        if change.is_own or _is_echo(change, writes, counts):
            recognitions.append(Recognition(is_echo=True))
            continue
        of_record = writes.list_of_record(change)
        others = [write for write in of_record if not explains_change(write.fields, change)]
        counts.close_earlier(others, change.changed_at)
        if of_record and change.state:
            counts.note_state(of_record[-1], change.state)
        is_bouncing = _count_bounces(of_record, now=now) >= MAX_BOUNCES
        recognitions.append(Recognition(is_bouncing=is_bouncing))
    counts.store()
    return recognitions


def _load_writes(changes: Iterable[ReceivedChange], *, now: datetime) -> RememberedWrites:
    """Load the writes to these records, and writes that created a record and are not settled."""
    compared = [change for change in changes if change.record and not change.is_own]
    if not compared:
        return RememberedWrites(())
    concerned = Q(record__in={"", *(change.record for change in compared)})
    if any(change.change == CREATED for change in compared):
        concerned |= Q(change=CREATED, expected_echoes__gt=1)
    rows = RememberedWrite.unscoped.filter(
        concerned,
        connection__in={change.connection_id for change in compared},
        object__in={change.object for change in compared},
        written_at__gte=now - REMEMBERED_FOR,
    )
    return RememberedWrites(rows.order_by("written_at", "pk"))


def _is_echo(change: ReceivedChange, writes: RememberedWrites, counts: EchoCounts) -> bool:
    """Return whether a write explains a change, and count the echo.

    The record and the kind of change are asked first: the creation of a record that the hub created
    is an echo whatever was changed since, and so is the deletion of one that it deleted. No other
    change is explained by a creation or a deletion.
    """
    if change.change not in (CREATED, UPDATED, DELETED) or not change.record:
        return False
    of_record = writes.list_of_record(change)
    if change.state and any(write.published_state == change.state for write in of_record):
        counts.count_echo(of_record)
        return True
    if change.is_foreign:
        return False
    if change.change == DELETED:
        return counts.count_echo([write for write in of_record if write.change == DELETED])
    if change.change == CREATED and any(write.change == CREATED for write in of_record):
        counts.count_echo([write for write in of_record if write.change == CREATED])
        return True
    candidates = [write for write in of_record if write.change in ("", change.change)]
    if _explains(candidates, change, counts):
        return True
    creations = [write for write in writes.list_creations(change) if write not in candidates]
    return _explains(
        [write for write in creations if write.change in ("", change.change)], change, counts
    )


def _explains(
    candidates: Sequence[RememberedWrite], change: ReceivedChange, counts: EchoCounts
) -> bool:
    """Return whether an echo is expected of one of the writes that explain the change; count it.

    A system that sends the values of when it sends may tell the last of several writes twice: each
    earlier one still has its echo.
    """
    explaining = [
        write
        for write in candidates
        if is_in_period(write, change.changed_at)
        and explains_change(write.fields, change)
        and may_have_made(write, change.state)
    ]
    if not explaining:
        return False
    expecting = explaining
    if change.changed_fields is None:
        expecting = list(candidates[: candidates.index(explaining[-1]) + 1])
    is_echo = counts.count_echo(expecting)
    if is_echo and change.state:
        counts.note_echo_state(explaining, change.state)
    return is_echo


def is_in_period(write: RememberedWrite, changed_at: datetime | None) -> bool:
    """Return whether the record may have been changed by the write at this time."""
    if changed_at is None:
        return True
    is_too_early = write.changed_from is not None and changed_at < write.changed_from
    return not is_too_early and (write.changed_until is None or changed_at <= write.changed_until)


def may_have_made(write: RememberedWrite, state: str) -> bool:
    """Return whether the write may have made this state of the record: not if it made another one.

    A write that was sent again may have made several.
    """
    return not state or write.echo_state in ("", state) or write.expected_echoes > 1


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


def _count_bounces(of_record: Iterable[RememberedWrite], *, now: datetime) -> int:
    """Return how often the record was written recently because its counterpart had changed."""
    since = now - BOUNCE_PERIOD
    return sum(write.is_forwarded and write.written_at >= since for write in of_record)
