"""The verb that starts: a fact becomes an event, and a delivery for each route and connection that it matches.

Joins the caller's transaction; the pump is rung when that commits.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database

from connectors.wire import dumps
from hub import rows
from hub.failpoints import failpoint
from hub.outgoing.match import Off, Ways, begun
from hub.outgoing.models import Delivery, Event, EventBody, Route
from hub.outgoing.order import queue_up
from hub.outgoing.wake import wake
from tenants.models import Tenant

LITTLE = "SET LOCAL lock_timeout = '500ms'"


class EventConflict(Exception):
    """The same id was told before, with another body."""

    def __init__(self, index: int, sender_id: str) -> None:
        super().__init__(f"the event {sender_id!r} was told before with another body")
        self.index = index
        self.sender_id = sender_id


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened at a tenant. `data` is a JSON object, `raw` the bytes as they were received."""

    tenant: Tenant
    type: str
    data: Mapping[str, Any]
    id: str = ""
    occurred_at: datetime | None = None
    raw: bytes | None = None

    def digest(self) -> str:
        """SHA-256 of what it says, whatever the order of its keys."""
        said = [self.type, self.occurred_at and self.occurred_at.isoformat(), self.data]
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Published:
    event: Event
    created: bool  # False: it was told before, with the same body
    deliveries: Sequence[Delivery]  # those that it began with, as they are now


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
    """Tell one fact. The same id with the same body again gives the first event; raises EventConflict otherwise."""
    (published,) = publish_all([Fact(tenant, type, data, id, occurred_at)], source=source, now=now)
    return published.event


@transaction.atomic
def publish_to(
    route: Route, tenant: Tenant, type: str, data: Mapping[str, Any], *, source: str, now: datetime
) -> Delivery:
    """Tell a fact that is meant for one route alone, and for the one connection that this route names."""
    fact = Fact(tenant, type, data)
    event = event_of(fact, source=source, now=now)
    event.save(force_insert=True)
    EventBody.objects.create(event_id=event.pk, body=body_of(fact, event))
    (delivery,) = begun(tenant, route, [route.connection], event.document(tenant, data), Off.now(), now=now)
    delivery.event = event
    queue_up([delivery])
    delivery.save(force_insert=True)
    if delivery.state == "waiting":
        wake([delivery.connection_id], now=now)
    return delivery


@transaction.atomic
def publish_all(facts: Sequence[Fact], *, source: str, now: datetime) -> list[Published]:
    """Tell many facts, all or none, in a fixed number of statements; one answer for each, in order."""
    answers = []
    for answer in record(facts, source=source, now=now):
        if isinstance(answer, EventConflict):
            raise answer
        answers.append(answer)
    return answers


def publish_each(facts: Sequence[Fact], *, source: str, now: datetime) -> list[Published | Exception]:
    """Tell facts that have nothing to do with each other, in one transaction; a conflict is the answer of its own.

    Where it raises, none was told.
    """
    answers: list[Published | Exception] = []
    line = None
    try:
        with transaction.atomic():
            line = database.connection
            if len(facts) > 1:
                wait_little()
            answers += record(facts, source=source, now=now)
    except (OperationalError, InterfaceError) as error:
        if not answers or database.connection is line:  # the database has said no
            raise
        return [error] * len(facts)  # the line broke in the commit: told again, what is there would be doubled
    return answers


def wait_little() -> None:
    """What somebody holds for long, such as a row of one tenant's, holds up nothing that is told beside it."""
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute(LITTLE)


def record(facts: Sequence[Fact], *, source: str, now: datetime) -> list[Published | EventConflict]:
    events = [event_of(fact, source=source, now=now) for fact in facts]
    first: dict[tuple[int, str], Event] = {}
    for event in events:
        first.setdefault(told_as(event), event)
    fresh = [(fact, event) for fact, event in zip(facts, events, strict=True) if first[told_as(event)] is event]
    deliveries = store(fresh, now=now)
    before = told_before([event for event in first.values() if event.pk is None], source=source)
    deliveries |= begun_with(before)
    first |= {told_as(event): event for event in before}
    failpoint("I1")  # before the commit
    return [answer_of(index, event, first[told_as(event)], deliveries) for index, event in enumerate(events)]


def told_as(event: Event) -> tuple[int, str]:
    """What makes it one event, at one source."""
    return event.tenant_id, event.sender_id


def answer_of(
    index: int, event: Event, first: Event, deliveries: Mapping[int, Sequence[Delivery]]
) -> Published | EventConflict:
    if first.digest != event.digest:
        return EventConflict(index, event.sender_id)
    return Published(first, created=first is event, deliveries=deliveries[first.pk])


def event_of(fact: Fact, *, source: str, now: datetime) -> Event:
    event = Event(
        tenant=fact.tenant,
        source=source,
        type=fact.type,
        digest=fact.digest(),
        occurred_at=fact.occurred_at or now,
        accepted_at=now,
    )
    event.sender_id = fact.id or str(event.public_id)
    return event


def told_before(events: Sequence[Event], *, source: str) -> list[Event]:
    """The rows of those that were not inserted, as they are there already."""
    if not events:
        return []
    wanted = {told_as(event) for event in events}
    tenants, ids = {tenant for tenant, _ in wanted}, {id for _, id in wanted}
    known = Event.unscoped.filter(source=source, tenant_id__in=tenants, sender_id__in=ids)
    return [event for event in known if told_as(event) in wanted]


def store(told: Sequence[tuple[Fact, Event]], *, now: datetime) -> dict[int, list[Delivery]]:
    """Those that are new, each with its deliveries; they have a primary key then, and the others have none."""
    if not told:
        return {}
    ways = Ways.of({fact.tenant for fact, _ in told})
    found = [(fact, event, ways.deliveries(fact.tenant, event, fact.data, now=now)) for fact, event in told]
    for _, event, deliveries in found:
        event.reason = "" if deliveries else "no_route"
    insert_events([event for _, event, _ in found])
    fresh = [(fact, event, deliveries) for fact, event, deliveries in found if event.pk is not None]
    lines = [delivery for _, _, deliveries in fresh for delivery in deliveries]
    for _, event, deliveries in fresh:
        for delivery in deliveries:
            delivery.event = event
    queue_up(lines)
    with rows.together():
        bodies = [body_of(fact, event) for fact, event, _ in fresh]
        rows.insert(EventBody, {"event_id": [event.pk for _, event, _ in fresh], "body": bodies})
        rows.insert(Delivery, rows.columns_of(Delivery, lines))
        wake({line.connection_id for line in lines if line.state == "waiting"}, now=now)
    return {event.pk: deliveries for _, event, deliveries in fresh}


def insert_events(events: Sequence[Event]) -> None:
    """Whoever tells the same at the same moment waits here for the first of them."""
    inserted = rows.insert_new(Event, rows.columns_of(Event, events), ("tenant", "sender_id", "id"))
    keys = {(tenant, sender_id): key for tenant, sender_id, key in inserted}
    for event in events:
        event.pk = keys.get(told_as(event))


def begun_with(events: Sequence[Event]) -> dict[int, list[Delivery]]:
    """What became of events that were told before, by their primary keys."""
    found: dict[int, list[Delivery]] = {event.pk: [] for event in events}
    if found:
        known = Delivery.unscoped.filter(event__in=found, replay_number=0).select_related("route", "connection")
        for delivery in known.order_by("pk"):
            found[delivery.event_id].append(delivery)
    return found


def body_of(fact: Fact, event: Event) -> bytes:
    """As it was received, or the same shape where it came by a call."""
    return fact.raw or dumps({"id": event.sender_id, "type": fact.type, "data": fact.data})
