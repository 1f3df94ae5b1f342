"""Publishing: store an event, and a delivery for each route and connection that the event matches.

Runs in the caller's transaction; the pump is woken when that commits.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database

from connectors.http import dump_json
from hub.db import bulk
from hub.outgoing.intake.event_input import EventConflict, EventInput, PublishedEvent
from hub.outgoing.models import Delivery, Event, EventBody, Route
from hub.outgoing.queue.ordering import assign_positions
from hub.outgoing.queue.wake import wake_lanes
from hub.outgoing.routing import ActiveSwitches, RoutingTable, build_deliveries_for_route
from hub.processes.failpoints import failpoint
from tenants.models import Tenant

SHORT_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '500ms'"


def publish(
    tenant: Tenant,
    type: str,
    data: Mapping[str, Any],
    *,
    now: datetime,
    id: str = "",
    occurred_at: datetime | None = None,
    source: str = "app",
) -> Event:
    """Publish one event.

    The same id with the same body returns the first event. Raises EventConflict when the id exists
    with another body.
    """
    (published,) = publish_batch(
        [EventInput(tenant, type, data, id, occurred_at)], source=source, now=now
    )
    return published.event


def publish_for_route(
    route: Route,
    tenant: Tenant,
    type: str,
    data: Mapping[str, Any],
    *,
    id: str = "",
    source: str,
    now: datetime,
) -> Delivery:
    """Publish an event for one route and its connection only; `id` must be new, or empty."""
    event_input = EventInput(tenant, type, data, id)
    (delivery,) = publish_all_for_route(route, [event_input], source=source, now=now)
    return delivery


@transaction.atomic
def publish_all_for_route(
    route: Route,
    inputs: Sequence[EventInput],
    *,
    source: str,
    low_priority: bool = False,
    expires_at: datetime | None = None,
    now: datetime,
) -> list[Delivery]:
    """Publish events for one route and its connection only, in a fixed number of statements.

    Ids must be new, or empty. Return the deliveries in the order of the inputs.
    """
    events = [_build_event(event_input, source=source, now=now) for event_input in inputs]
    Event.unscoped.bulk_create(events)
    switches, bodies, deliveries = ActiveSwitches.load(), [], []
    for event_input, event in zip(inputs, events, strict=True):
        document = event.build_document(event_input.tenant, event_input.data)
        (delivery,) = build_deliveries_for_route(
            event_input.tenant, route, [route.connection], document, switches, now=now
        )
        delivery.event, delivery.low_priority = event, low_priority
        delivery.expires_at = expires_at or delivery.expires_at
        deliveries.append(delivery)
        bodies.append(EventBody(event_id=event.pk, body=serialize_event_body(event_input, event)))
    EventBody.objects.bulk_create(bodies)
    assign_positions(deliveries)
    Delivery.unscoped.bulk_create(deliveries)
    wake_lanes(_waiting_lane_ids(deliveries), now=now)
    return deliveries


@transaction.atomic
def publish_batch(
    inputs: Sequence[EventInput], *, source: str, now: datetime
) -> list[PublishedEvent]:
    """Publish all events or none, in a fixed number of statements; return their results in order.

    Raises EventConflict when the id of an event exists with another body.
    """
    results = []
    for result in _record_events(inputs, source=source, now=now):
        if isinstance(result, EventConflict):
            raise result
        results.append(result)
    return results


def publish_independently(
    inputs: Sequence[EventInput], *, source: str, now: datetime
) -> list[PublishedEvent | Exception]:
    """Publish independent events in one transaction; a conflict concerns its own event only.

    If this raises, no event was stored. If the commit itself failed, every result is that error, as
    the events may be stored.
    """
    results: list[PublishedEvent | Exception] = []
    connection_before = None
    try:
        with transaction.atomic():
            connection_before = database.connection
            if len(inputs) > 1:
                _limit_lock_wait()
            results += _record_events(inputs, source=source, now=now)
    except (OperationalError, InterfaceError) as error:
        is_refused = not results or database.connection is connection_before
        if is_refused:
            raise
        # the connection broke in the commit: the events may be stored, so publishing is not
        # repeated here
        return [error] * len(inputs)
    return results


def _limit_lock_wait() -> None:
    """Limit lock waits, so that a row locked for long delays only the events that need it."""
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute(SHORT_LOCK_TIMEOUT)


def _record_events(
    inputs: Sequence[EventInput], *, source: str, now: datetime
) -> list[PublishedEvent | EventConflict]:
    events = [_build_event(event_input, source=source, now=now) for event_input in inputs]
    first: dict[tuple[int, str], Event] = {}
    for event in events:
        first.setdefault(_dedupe_key(event), event)
    fresh = [
        (event_input, event)
        for event_input, event in zip(inputs, events, strict=True)
        if first[_dedupe_key(event)] is event
    ]
    deliveries = _insert_new_events(fresh, now=now)
    existing = _find_existing_events(
        [event for event in first.values() if event.pk is None], source=source
    )
    deliveries |= _load_existing_deliveries(existing)
    first |= {_dedupe_key(event): event for event in existing}
    failpoint("I1")  # before the commit
    return [
        _build_publish_result(index, event, first[_dedupe_key(event)], deliveries)
        for index, event in enumerate(events)
    ]


def _dedupe_key(event: Event) -> tuple[int, str]:
    """Return the key that is unique for an event: tenant, source and the sender's id."""
    return event.tenant_id, event.sender_id


def _build_publish_result(
    index: int, event: Event, first: Event, deliveries: Mapping[int, Sequence[Delivery]]
) -> PublishedEvent | EventConflict:
    if first.digest != event.digest:
        return EventConflict(index, event.sender_id)
    return PublishedEvent(first, is_new=first is event, deliveries=deliveries[first.pk])


def _build_event(event_input: EventInput, *, source: str, now: datetime) -> Event:
    event = Event(
        tenant=event_input.tenant,
        source=source,
        type=event_input.type,
        origin=event_input.origin,
        digest=event_input.digest(),
        occurred_at=event_input.occurred_at or now,
        accepted_at=now,
    )
    event.sender_id = event_input.id or str(event.public_id)
    return event


def _find_existing_events(events: Sequence[Event], *, source: str) -> list[Event]:
    """Load the stored events with the keys of the events that were not inserted."""
    if not events:
        return []
    keys = {_dedupe_key(event) for event in events}
    tenants, ids = {tenant for tenant, _ in keys}, {id for _, id in keys}
    candidates = Event.unscoped.filter(source=source, tenant_id__in=tenants, sender_id__in=ids)
    return [event for event in candidates if _dedupe_key(event) in keys]


def _insert_new_events(
    pairs: Sequence[tuple[EventInput, Event]], *, now: datetime
) -> dict[int, list[Delivery]]:
    """Insert the events that are new, with their deliveries; existing ones get no primary key."""
    if not pairs:
        return {}
    routing_table = RoutingTable.load({event_input.tenant for event_input, _ in pairs})
    triples = [
        (
            event_input,
            event,
            routing_table.build_deliveries(event_input.tenant, event, event_input.data, now=now),
        )
        for event_input, event in pairs
    ]
    for _, event, deliveries in triples:
        event.reason = "" if deliveries else "no_route"
    _insert_event_rows([event for _, event, _ in triples])
    inserted = [
        (event_input, event, deliveries)
        for event_input, event, deliveries in triples
        if event.pk is not None
    ]
    all_deliveries = [delivery for _, _, deliveries in inserted for delivery in deliveries]
    for _, event, deliveries in inserted:
        for delivery in deliveries:
            delivery.event = event
    assign_positions(all_deliveries)
    with bulk.insert_pipeline():
        bodies = [serialize_event_body(event_input, event) for event_input, event, _ in inserted]
        bulk.insert_rows(
            EventBody, {"event_id": [event.pk for _, event, _ in inserted], "body": bodies}
        )
        bulk.insert_rows(Delivery, bulk.column_values(Delivery, all_deliveries))
        wake_lanes(_waiting_lane_ids(all_deliveries), now=now)
    return {event.pk: deliveries for _, event, deliveries in inserted}


def _waiting_lane_ids(deliveries: Sequence[Delivery]) -> set[int]:
    return {row.connection_id for row in deliveries if row.state == "waiting" and row.connection_id}


def _insert_event_rows(events: Sequence[Event]) -> None:
    """Insert events; a concurrent insert of the same key waits here for the first to commit."""
    inserted = bulk.insert_missing_rows(
        Event, bulk.column_values(Event, events), ("tenant", "sender_id", "id")
    )
    keys = {(tenant, sender_id): primary_key for tenant, sender_id, primary_key in inserted}
    for event in events:
        event.pk = keys.get(_dedupe_key(event))


def _load_existing_deliveries(events: Sequence[Event]) -> dict[int, list[Delivery]]:
    """Load the first deliveries of stored events, by primary key of the event."""
    deliveries: dict[int, list[Delivery]] = {event.pk: [] for event in events}
    if deliveries:
        rows = Delivery.unscoped.filter(event__in=deliveries, replay_number=0).select_related(
            "route", "connection"
        )
        for delivery in rows.order_by("pk"):
            deliveries[delivery.event_id].append(delivery)
    return deliveries


def serialize_event_body(event_input: EventInput, event: Event) -> bytes:
    """Return the body as received, or in the same form if our own code created the event."""
    return event_input.raw or dump_json(
        {"id": event.sender_id, "type": event_input.type, "data": event_input.data}
    )
