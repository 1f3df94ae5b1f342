"""Count the items of each source by type and hour: a step of the sweep.

The receive path writes nothing for it. Items are counted in the order of their ids, once 90 s have
passed: no transaction that inserts some takes longer, so none is skipped.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection as database
from django.db import transaction
from django.db.models import Max, Min, QuerySet

from connectors.registry import CONNECTORS
from hub.db import bulk
from hub.db.ids import smallest_id_at
from hub.incoming.models import InboundItem, InboundSource, RhythmPosition, SourceRhythm

COUNTED_EVERY = timedelta(seconds=30)
SETTLED_AFTER = timedelta(seconds=90)
ITEMS_AT_ONCE = 2_000
RHYTHMS_MAX = 40  # of one connection: senders of signed webhooks choose their types
ONLY_ROW = 1

HOURS = tuple(f"h{hour:02}" for hour in range(24))
DAY_AND_HOUR = {
    "postgresql": (
        "(item.received_at AT TIME ZONE 'UTC')::date",
        "extract(hour FROM item.received_at AT TIME ZONE 'UTC')",
    ),
    "sqlite": (
        "substr(item.received_at, 1, 10)",
        "CAST(substr(item.received_at, 12, 2) AS INTEGER)",
    ),
}
COUNT_ITEMS = """
INSERT INTO incoming_rhythmday (rhythm_id, day, {columns})
SELECT rhythm.id, {day}, {counts}
FROM incoming_inbounditem AS item
JOIN incoming_sourcerhythm AS rhythm
  ON rhythm.connection_id = item.connection_id AND rhythm.type = item.type
WHERE item.id > %s AND item.id <= %s AND NOT item.is_read AND item.state <> 'echo'
GROUP BY 1, 2
ON CONFLICT (rhythm_id, day) DO UPDATE SET {sums}
"""
TypeKey = tuple[int, str]  # connection, type


class ReceivedType(NamedTuple):
    """The items of one connection and type that are counted now."""

    connection_id: int
    type: str
    connector_key: str
    first_at: datetime
    last_at: datetime

    @property
    def key(self) -> TypeKey:
        return self.connection_id, self.type

    @property
    def object(self) -> str:
        """Return the object whose source it belongs to. Raises LookupError."""
        source = CONNECTORS[self.connector_key].webhook_source
        if source is None:
            raise LookupError(self.connector_key)
        return source.find_object(self.type.removeprefix(f"{self.connector_key}."))


def count_new_items(*, at_once: int = ITEMS_AT_ONCE, now: datetime) -> int:
    """Count up to `at_once` items that were not counted yet; return up to which id.

    Without new ones, and 30 s after the last count that found all, it opens no transaction. Two
    processes never count at once.
    """
    position = RhythmPosition.objects.first()
    if position is None:
        position, _ = RhythmPosition.objects.get_or_create(
            pk=ONLY_ROW, defaults={"item_id": 0, "counted_at": now - COUNTED_EVERY}
        )
    if position.counted_at > now - COUNTED_EVERY:
        return position.item_id
    if not InboundItem.unscoped.filter(pk__gt=position.item_id).exists():
        return position.item_id
    with transaction.atomic():
        rows = RhythmPosition.objects.select_for_update(skip_locked=True)
        locked = rows.filter(pk=position.pk, item_id=position.item_id).first()
        return _count_behind(locked, at_once, now=now) if locked else position.item_id


def _count_behind(position: RhythmPosition, at_once: int, *, now: datetime) -> int:
    first, last, is_all = _find_range(position.item_id, at_once, now=now)
    if last > first:
        received = _list_received_types(first, last)
        rhythms = _find_rhythms(received)
        _count_items(first, last)
        _record_arrivals(received, rhythms)
    counted_at = now if is_all else position.counted_at  # go on at the next sweep
    RhythmPosition.objects.filter(pk=position.pk).update(item_id=last, counted_at=counted_at)
    return last


def _find_range(first: int, at_once: int, *, now: datetime) -> tuple[int, int, bool]:
    """Return behind which and up to which id items are counted, and whether these are all."""
    ids = list(
        InboundItem.unscoped.filter(pk__gt=first)
        .order_by("pk")
        .values_list("pk", "public_id")[:at_once]
    )
    settled = smallest_id_at(now - SETTLED_AFTER)
    for number, (_id, public_id) in enumerate(ids):
        if public_id >= settled:
            return first, ids[number - 1][0] if number else first, True
    return first, ids[-1][0] if ids else first, len(ids) < at_once


def _list_received_types(first: int, last: int) -> list[ReceivedType]:
    items = InboundItem.unscoped.filter(
        pk__gt=first, pk__lte=last, is_read=False, connection__isnull=False
    ).exclude(state="echo")
    groups = items.exclude(type="").values_list("connection", "type", "connector_key")
    return [
        ReceivedType(*group)
        for group in groups.annotate(first=Min("received_at"), last=Max("received_at")).order_by(
            "connection", "type"
        )
    ]


def _find_rhythms(received: Collection[ReceivedType]) -> Mapping[TypeKey, SourceRhythm]:
    """Return the rhythms of these types, with new ones for types that sources have first."""
    connections = {entry.connection_id for entry in received}
    rhythms = _load_rhythms(connections)
    missing = [entry for entry in received if entry.key not in rhythms]
    if not missing:
        return rhythms
    sources = {
        (source.connection_id, source.object): source
        for source in InboundSource.unscoped.filter(connection__in=connections, retired_at=None)
    }
    counts = dict.fromkeys(connections, 0)
    for connection_id, _type in rhythms:
        counts[connection_id] += 1
    created = []
    for entry in missing:
        source = sources.get((entry.connection_id, entry.object))
        if source is not None and counts[entry.connection_id] < RHYTHMS_MAX:
            counts[entry.connection_id] += 1
            created.append(_build_rhythm(source, entry))
    SourceRhythm.unscoped.bulk_create(created, ignore_conflicts=True)
    return _load_rhythms(connections) if created else rhythms


def _load_rhythms(connections: Collection[int]) -> Mapping[TypeKey, SourceRhythm]:
    rows: QuerySet[SourceRhythm] = SourceRhythm.unscoped.filter(connection__in=connections)
    return {(row.connection_id, row.type): row for row in rows.select_related("source")}


def _build_rhythm(source: InboundSource, entry: ReceivedType) -> SourceRhythm:
    return SourceRhythm(
        source=source,
        connection_id=entry.connection_id,
        type=entry.type,
        first_day=entry.first_at.date(),
        last_item_at=entry.last_at,
    )


def _count_items(first: int, last: int) -> None:
    """Add the items between two ids to the days of their rhythms, in one statement."""
    day, hour = DAY_AND_HOUR[database.vendor]
    statement = COUNT_ITEMS.format(
        columns=", ".join(HOURS),
        day=day,
        counts=", ".join(
            f"sum(CASE WHEN {hour} = {number} THEN 1 ELSE 0 END)" for number in range(24)
        ),
        sums=", ".join(f"{name} = incoming_rhythmday.{name} + excluded.{name}" for name in HOURS),
    )
    with database.cursor() as cursor:
        cursor.execute(statement, [first, last])


def _record_arrivals(
    received: Collection[ReceivedType], rhythms: Mapping[TypeKey, SourceRhythm]
) -> None:
    """Store when each rhythm and its source had their newest item."""
    last_items: dict[int, datetime] = {}
    heard: dict[int, datetime] = {}
    for entry in received:
        rhythm = rhythms.get(entry.key)
        if rhythm is None:
            continue
        last_items[rhythm.pk] = max(rhythm.last_item_at, entry.last_at)
        source = rhythm.source
        known = heard.get(source.pk) or source.heard_at or entry.last_at
        heard[source.pk] = max(known, entry.last_at)
    _update_times(SourceRhythm, "last_item_at", last_items)
    _update_times(InboundSource, "heard_at", heard)
    quiet = InboundSource.unscoped.filter(pk__in=heard, state=InboundSource.State.QUIET)
    quiet.update(state=InboundSource.State.LISTENING)


def _update_times(model: Any, column: str, times: Mapping[int, datetime]) -> None:
    keys = sorted(times)
    bulk.update_rows(model, keys, {column: [times[key] for key in keys]})
