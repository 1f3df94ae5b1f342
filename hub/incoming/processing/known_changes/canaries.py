"""Set aside the webhooks of changes that the hub made itself to prove that webhooks arrive."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from connectors.webhook_sources import Canary
from hub.incoming.models import SourceCanary
from hub.incoming.processing.attribution import AttributedItem

CANARY = "canary"  # the reason of such an item
WAITED_FOR = (SourceCanary.State.WAITING, SourceCanary.State.LATE)
SourceKey = tuple[int | None, str]  # connection, object


def mark_canaries(attributed: Sequence[AttributedItem], *, now: datetime) -> None:
    """Set aside the items of canaries: they are not published.

    One with the mark that is waited for is heard, and its canary is due, so that the task `listen`
    records the proof. A replayed item is published, as a person requested it.
    """
    compared = [
        (entry, definition)
        for entry in attributed
        if not entry.row.replay_number and (definition := _find_definition(entry))
    ]
    if not compared:  # as at Slack
        return
    canaries = _load_canaries({entry.row.connection_id for entry, _ in compared})
    for entry, definition in compared:
        canary = canaries.get(_find_source(entry))
        if canary is not None:
            _compare(entry, canary, definition, now=now)


def _load_canaries(connection_ids: set[int | None]) -> Mapping[SourceKey, SourceCanary]:
    """Load the canaries that are on, or had a record whose deletion may still be reported."""
    has_record = ~Q(record="") | ~Q(former_record="")
    canaries = SourceCanary.unscoped.filter(
        Q(is_on=True) | has_record, source__connection__in=connection_ids
    )
    return {
        (canary.source.connection_id, canary.source.object): canary
        for canary in canaries.select_related("source")
    }


def _find_source(entry: AttributedItem) -> SourceKey:
    assert entry.row.connection is not None and entry.item is not None
    source = entry.row.connection.connector.webhook_source
    return entry.row.connection_id, source.find_object(entry.item.type) if source else ""


def _find_definition(entry: AttributedItem) -> Canary | None:
    """Return the canary that the system allows for the item's source, if it does."""
    assert entry.row.connection is not None
    source = entry.row.connection.connector.webhook_source
    return source.canaries.get(_find_source(entry)[1]) if source else None


def _compare(
    entry: AttributedItem, canary: SourceCanary, definition: Canary, *, now: datetime
) -> None:
    """Set an item aside that reports our record, even before its id is stored, or a heartbeat.

    What was read proves nothing of webhooks.
    """
    row, item = entry.row, entry.item
    assert item is not None
    mark = definition.find_mark(item.type, item.data)
    if definition.is_passive:
        is_ours = is_awaited = bool(mark) and canary.is_on
    else:
        has_mark = bool(mark) and mark == canary.mark
        is_ours = has_mark or row.record in {canary.record, canary.former_record} - {""}
        is_awaited = has_mark and canary.state in WAITED_FOR
    if is_ours:
        row.state, row.reason, row.state_changed_at = "echo", CANARY, now
    if is_awaited and not row.is_read:
        _record_heard(canary, row.received_at, now=now)


def _record_heard(canary: SourceCanary, at: datetime, *, now: datetime) -> None:
    seconds = max(0.0, (at - (canary.sent_at or at)).total_seconds())  # clocks may differ
    canary.state = SourceCanary.State.IDLE
    SourceCanary.unscoped.filter(pk=canary.pk, is_on=True, mark=canary.mark).update(
        state=canary.state,
        reason="",
        detail="",
        heard_at=at,
        failure_count=0,
        round_trip_ms=round(seconds * 1000),
        due_at=now,
    )
