"""Count the items of each source by type and hour: a step of the sweep.

The receive path writes nothing for it. Items are counted in the order of their ids, once 90 s have
passed: no transaction that inserts some takes longer, so none is skipped.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection as database
from django.db import transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, Q

from connectors.registry import CONNECTORS
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
# The items between two ids by rhythm, day and hour. The statements that store them are parts of one
# on PostgreSQL, so that items and rhythms are joined once.
COUNT_ITEMS = """
SELECT rhythm.id, rhythm.source_id, {day} AS day, {hour} AS hour,
       count(*) AS total, max(item.received_at) AS newest_at
FROM incoming_inbounditem AS item
JOIN incoming_sourcerhythm AS rhythm
  ON rhythm.connection_id = item.connection_id AND rhythm.type = item.type
WHERE item.id > %s AND item.id <= %s AND NOT item.is_read AND item.state <> 'echo'
GROUP BY 1, 2, 3, 4
"""
HOUR_SUMS = (f"sum(CASE hour WHEN {hour} THEN total ELSE 0 END)" for hour in range(24))
HOUR_ADDITIONS = (f"{name} = incoming_rhythmday.{name} + excluded.{name}" for name in HOURS)
ADD_TO_DAYS = f"""
INSERT INTO incoming_rhythmday (rhythm_id, day, {", ".join(HOURS)})
SELECT id, day, {", ".join(HOUR_SUMS)} FROM counted WHERE true GROUP BY id, day
ON CONFLICT (rhythm_id, day) DO UPDATE SET {", ".join(HOUR_ADDITIONS)}
"""
RECORD_NEWEST_OF_RHYTHMS = """
UPDATE incoming_sourcerhythm AS heard SET last_item_at = newest.at
FROM (SELECT id, max(newest_at) AS at FROM counted GROUP BY id) AS newest
WHERE heard.id = newest.id AND heard.last_item_at < newest.at
"""
RECORD_NEWEST_OF_SOURCES = """
UPDATE incoming_inboundsource AS heard
SET heard_at = newest.at,
    state = CASE heard.state WHEN 'quiet' THEN 'listening' ELSE heard.state END
FROM (SELECT source_id, max(newest_at) AS at FROM counted GROUP BY source_id) AS newest
WHERE heard.id = newest.source_id AND (heard.heard_at IS NULL OR heard.heard_at < newest.at)
"""


class NewType(NamedTuple):
    """The items of one connection and type that has no rhythm yet."""

    connection_id: int
    type: str
    connector_key: str
    first_at: datetime
    last_at: datetime

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
        _create_rhythms(_list_new_types(first, last))
        _count_items(first, last)
    counted_at = now if is_all else position.counted_at  # go on at the next sweep
    RhythmPosition.objects.filter(pk=position.pk).update(item_id=last, counted_at=counted_at)
    return last


def _find_range(first: int, at_once: int, *, now: datetime) -> tuple[int, int, bool]:
    """Return behind which and up to which id items are counted, and whether these are all."""
    items = InboundItem.unscoped.filter(pk__gt=first).order_by("pk")[:at_once]
    is_unsettled = Q(public_id__gte=smallest_id_at(now - SETTLED_AFTER))
    newest, unsettled, count = items.aggregate(
        newest=Max("pk"), unsettled=Min("pk", filter=is_unsettled), count=Count("pk")
    ).values()
    if unsettled is not None:
        return first, unsettled - 1, True
    return first, newest or first, count < at_once


def _list_new_types(first: int, last: int) -> list[NewType]:
    rhythms = SourceRhythm.unscoped.filter(connection=OuterRef("connection"), type=OuterRef("type"))
    items = InboundItem.unscoped.filter(
        ~Exists(rhythms),
        pk__gt=first,
        pk__lte=last,
        is_read=False,
        connection__isnull=False,
        connector_key__in=list(CONNECTORS),  # another one was removed meanwhile
    ).exclude(state="echo")
    groups = items.exclude(type="").values_list("connection", "type", "connector_key")
    return [
        NewType(*group)
        for group in groups.annotate(first=Min("received_at"), last=Max("received_at")).order_by(
            "connection", "type"
        )
    ]


def _create_rhythms(new_types: Collection[NewType]) -> None:
    """Create the rhythms of types that sources have for the first time.

    A source hears those beyond the limit, too, although they are not counted.
    """
    connections = {entry.connection_id for entry in new_types}
    if not connections:
        return
    sources = {
        (source.connection_id, source.object): source
        for source in InboundSource.unscoped.filter(connection__in=connections, retired_at=None)
    }
    existing = SourceRhythm.unscoped.filter(connection__in=connections)
    counts = Counter(existing.values_list("connection", flat=True))
    created = []
    heard: dict[int, datetime] = {}
    for entry in new_types:
        source = sources.get((entry.connection_id, entry.object))
        if source is None:
            continue
        if counts[entry.connection_id] < RHYTHMS_MAX:
            counts[entry.connection_id] += 1
            created.append(_build_rhythm(source, entry))
        else:
            heard[source.pk] = max(heard.get(source.pk, entry.last_at), entry.last_at)
    SourceRhythm.unscoped.bulk_create(created, ignore_conflicts=True)
    for pk, at in sorted(heard.items()):
        is_older = Q(heard_at=None) | Q(heard_at__lt=at)
        InboundSource.unscoped.filter(is_older, pk=pk).update(heard_at=at)


def _build_rhythm(source: InboundSource, entry: NewType) -> SourceRhythm:
    return SourceRhythm(
        source=source,
        connection_id=entry.connection_id,
        type=entry.type,
        first_day=entry.first_at.date(),
        last_item_at=entry.last_at,
    )


def _count_items(first: int, last: int) -> None:
    """Add the items between two ids to the days of their rhythms, and record the newest ones.

    A quiet source that was heard listens again.
    """
    day, hour = DAY_AND_HOUR[database.vendor]
    count_items = COUNT_ITEMS.format(day=day, hour=hour)
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(
                f"WITH counted AS MATERIALIZED ({count_items}), days AS ({ADD_TO_DAYS}), "
                f"rhythms AS ({RECORD_NEWEST_OF_RHYTHMS}) {RECORD_NEWEST_OF_SOURCES}",
                [first, last],
            )
            return
        for statement in (ADD_TO_DAYS, RECORD_NEWEST_OF_RHYTHMS, RECORD_NEWEST_OF_SOURCES):
            cursor.execute(f"WITH counted AS ({count_items}) {statement}", [first, last])
