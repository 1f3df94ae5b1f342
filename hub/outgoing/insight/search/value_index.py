"""Write the index of values: in the order of acceptance, in small transactions, at a limited pace.

A batch is written together with the new position, so a killed process loses and repeats nothing. Of
two processes only one moves the position, so the same batch is not written twice.
"""

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.db import transaction

from hub.outgoing.insight.search.event_values import digest_value, list_event_values
from hub.outgoing.models import Event, EventBody, EventValue, ValueIndexPosition
from hub.queue import wake_up

BATCH_SIZE = 100  # events of one transaction
# Ids are given before the commit, so an older event may appear after a newer one.
SETTLING_TIME = timedelta(seconds=30)


class PositionMoved(Exception):
    """Another process has indexed these events."""


def index_next_events(*, now: datetime) -> bool:
    """Index the next batch of events; return whether there was one.

    Raises PositionMoved if another process has indexed it.
    """
    position = ValueIndexPosition.objects.get_or_create(pk=1)[0].last_event
    events = list_settled_events(position, BATCH_SIZE, now=now)
    if events:
        store_values(events, expected_position=position)
    return bool(events)


@transaction.atomic
def store_values(events: list[tuple[Any, ...]], *, expected_position: int) -> None:
    """Write the events' values and move the position. Raises PositionMoved if it has moved."""
    EventValue.unscoped.bulk_create(_build_values(events))
    unmoved = ValueIndexPosition.objects.filter(pk=1, last_event=expected_position)
    if not unmoved.update(last_event=events[-1][0]):
        raise PositionMoved


def list_settled_events(position: int, limit: int, *, now: datetime) -> list[tuple[Any, ...]]:
    """Return row id, tenant and sender's id of the events after the position, oldest first."""
    events = Event.unscoped.filter(pk__gt=position).order_by("pk")
    rows = events.values_list("pk", "tenant_id", "sender_id", "accepted_at")[:limit]
    return list(takewhile(lambda row: row[3] <= now - SETTLING_TIME, rows))


def _build_values(events: list[tuple[Any, ...]]) -> list[EventValue]:
    bodies = dict(
        EventBody.objects.filter(pk__in=[row[0] for row in events]).values_list("pk", "body")
    )
    return [
        EventValue(digest=digest_value(tenant_id, value), event_id=event_id)
        for event_id, tenant_id, sender_id, _accepted_at in events
        if event_id in bodies
        for value in sorted(list_event_values(sender_id, bytes(bodies[event_id])))
    ]


def wake_up_value_index(*, now: datetime) -> None:
    """Send the wake-up of the index if an event is not indexed yet; a step of the sweep."""
    position = ValueIndexPosition.objects.values_list("last_event", flat=True).first() or 0
    if list_settled_events(position, 1, now=now):
        wake_up("value_index", now=now)
