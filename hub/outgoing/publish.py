"""The verb that starts: a fact becomes an event, and a delivery for each route and connection that it matches.

Joins the caller's transaction; the pump is rung when that commits.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from connectors.wire import dumps
from hub.failpoints import failpoint
from hub.outgoing.match import Off, Ways, begun
from hub.outgoing.models import Delivery, Event, EventBody, Route
from hub.outgoing.order import queue_up
from hub.outgoing.wake import wake
from tenants.models import Tenant


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


def publish_all(facts: Sequence[Fact], *, source: str, now: datetime) -> list[Published]:
    """Tell many facts, all or none, in a fixed number of statements; one answer for each, in order."""
    try:
        with transaction.atomic():
            return all_recorded(facts, source=source, now=now)
    except IntegrityError:  # somebody told one of them at the same moment: it is there now
        with transaction.atomic():
            return all_recorded(facts, source=source, now=now)


def publish_each(facts: Sequence[Fact], *, source: str, now: datetime) -> list[Published | Exception]:
    """Tell facts that have nothing to do with each other, in one transaction; a conflict is the answer of its own.

    Where it raises, none was told.
    """
    try:
        return committed(facts, source=source, now=now)
    except IntegrityError:
        return committed(facts, source=source, now=now)


def committed(facts: Sequence[Fact], *, source: str, now: datetime) -> list[Published | Exception]:
    answers: list[Published | Exception] = []
    try:
        with transaction.atomic():
            answers += record(facts, source=source, now=now)
    except (OperationalError, InterfaceError) as error:
        if not answers:
            raise
        return [error] * len(facts)  # the commit itself: they may be there, and telling them again might double them
    return answers


def all_recorded(facts: Sequence[Fact], *, source: str, now: datetime) -> list[Published]:
    answers = []
    for answer in record(facts, source=source, now=now):
        if isinstance(answer, EventConflict):
            raise answer
        answers.append(answer)
    return answers


def record(facts: Sequence[Fact], *, source: str, now: datetime) -> list[Published | EventConflict]:
    events = [event_of(fact, source=source, now=now) for fact in facts]
    first = told_before(events, source=source)
    known = [first.setdefault((event.tenant_id, event.sender_id), event) for event in events]
    fresh = [(fact, one) for fact, one, event in zip(facts, known, events, strict=True) if one is event]
    deliveries = store(fresh, now=now)
    deliveries |= begun_with([one for one in known if one.pk not in deliveries])
    failpoint("I1")  # before the commit
    return [
        Published(one, created=one is event, deliveries=deliveries[one.pk])
        if one.digest == event.digest
        else EventConflict(index, event.sender_id)
        for index, (one, event) in enumerate(zip(known, events, strict=True))
    ]


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


def told_before(events: Sequence[Event], *, source: str) -> dict[tuple[int, str], Event]:
    named = [event for event in events if event.sender_id != str(event.public_id)]
    if not named:
        return {}
    rows = Event.unscoped.filter(
        source=source,
        tenant_id__in={event.tenant_id for event in named},
        sender_id__in={event.sender_id for event in named},
    )
    return {(event.tenant_id, event.sender_id): event for event in rows}


def store(fresh: Sequence[tuple[Fact, Event]], *, now: datetime) -> dict[int, list[Delivery]]:
    """The deliveries of each event, by its primary key."""
    if not fresh:
        return {}
    ways = Ways.of({fact.tenant for fact, _ in fresh})
    found = [(event, ways.deliveries(fact.tenant, event, fact.data, now=now)) for fact, event in fresh]
    for event, deliveries in found:
        event.reason = "" if deliveries else "no_route"
    Event.unscoped.bulk_create([event for event, _ in found])
    EventBody.objects.bulk_create(EventBody(event_id=event.pk, body=body_of(fact, event)) for fact, event in fresh)
    rows = [delivery for _, deliveries in found for delivery in deliveries]
    for event, deliveries in found:
        for delivery in deliveries:
            delivery.event = event
    queue_up(rows)
    Delivery.unscoped.bulk_create(rows)
    wake({row.connection_id for row in rows if row.state == "waiting"}, now=now)
    return {event.pk: deliveries for event, deliveries in found}


def begun_with(events: Sequence[Event]) -> dict[int, list[Delivery]]:
    """What became of events that were told before, by their primary keys."""
    found: dict[int, list[Delivery]] = {event.pk: [] for event in events}
    if found:
        rows = Delivery.unscoped.filter(event__in=found, replay=0).select_related("route", "connection")
        for delivery in rows.order_by("pk"):
            found[delivery.event_id].append(delivery)
    return found


def body_of(fact: Fact, event: Event) -> bytes:
    """As it was received, or the same shape where it came by a call."""
    return fact.raw or dumps({"id": event.sender_id, "type": fact.type, "data": fact.data})
