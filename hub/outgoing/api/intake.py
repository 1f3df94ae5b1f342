"""From the body of a request to facts, and from what was published to the answer."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from connectors.wire import dumps
from hub.batcher import Batcher
from hub.outgoing.publish import EventConflict, Fact, Published, publish_all, publish_each
from hub.outgoing.serializers import EventSerializer
from hub.problems import Problem
from hub.rest.fields import address, page_address
from hub.rest.once import Answer
from tenants.models import Tenant

SOURCE = "api"
TOGETHER = 100  # events of as many requests, in one transaction


def publish_together(told: Sequence[tuple[Fact, datetime]]) -> Sequence[Published | Exception]:
    return publish_each([fact for fact, _ in told], source=SOURCE, now=max(now for _, now in told))


publish_one = Batcher(publish_together, most=TOGETHER)


def accept(request: Request, *, now: datetime) -> Answer:
    """Publish the event, or all events of a batch or none; they are stored when the transaction commits."""
    facts = facts_of(request, now=now)
    try:
        published = publish_all(facts, source=SOURCE, now=now)
    except EventConflict as conflict:
        raise refusal(request, conflict) from conflict
    told = [accepted(fact, answer) for fact, answer in zip(facts, published, strict=True)]
    if isinstance(request.data, list):
        return Answer({"events": told})
    return Answer(told[0], location=told[0]["url"])


def accept_one(request: Request, *, now: datetime) -> Answer:
    """Publish an event together with those that come at the same moment; it is stored when this answers."""
    (fact,) = facts_of(request, now=now)
    try:
        published = publish_one((fact, now))
    except EventConflict as conflict:
        raise refusal(request, conflict) from conflict
    told = accepted(fact, published)
    return Answer(told, location=told["url"])


def refusal(request: Request, conflict: EventConflict) -> Problem:
    errors = at(request, [conflict.index], "/id", f"{conflict}.", "conflict")
    return Problem("event-conflict", errors=errors)


def facts_of(request: Request, *, now: datetime) -> list[Fact]:
    raws = bytes_of(request)
    batch = {"many": True, "allow_empty": False} if isinstance(request.data, list) else {}
    read = EventSerializer(data=request.data, context={"now": now}, **batch)
    read.is_valid(raise_exception=True)
    events = read.validated_data if batch else [read.validated_data]
    tenants = tenants_of(request, events)
    return [
        Fact(tenant, event["type"], event["data"], event.get("id", ""), event.get("occurred_at"), raw)
        for tenant, event, raw in zip(tenants, events, raws, strict=True)
    ]


def bytes_of(request: Request) -> list[bytes]:
    """Of each event: as it was received, or cut out of its batch; none may be too large, nor may they be too many."""
    if not isinstance(request.data, list):
        raws = [getattr(request, "raw_body", b"")]
    elif len(request.data) > settings.HUB_BATCH_EVENTS:
        raise Problem("payload-too-large", f"A batch holds at most {settings.HUB_BATCH_EVENTS:,} events.")
    else:
        raws = [dumps(event) for event in request.data]
    too_large = [place for place, raw in enumerate(raws) if len(raw) > settings.HUB_EVENT_BYTES]
    if too_large:
        detail = f"An event is at most {settings.HUB_EVENT_BYTES:,} bytes of JSON."
        raise Problem("payload-too-large", detail, errors=at(request, too_large, "", detail, "too_large"))
    return raws


def tenants_of(request: Request, events: Sequence[Mapping[str, Any]]) -> list[Tenant]:
    """Whose each event is, in one statement: a tenant's key tells its own only, a platform key names them."""
    own = request.user.tenant
    names = [event.get("tenant") or (own and own.reference) for event in events]
    if missing := [place for place, name in enumerate(names) if not name]:
        raise Problem("tenant-required", errors=at(request, missing, "/tenant", "A platform key must.", "required"))
    known = [own] if own else Tenant.objects.filter(reference__in=set(names))
    found = {tenant.reference: tenant for tenant in known}
    if strange := [place for place, name in enumerate(names) if name not in found]:
        raise Problem("tenant-not-found", errors=at(request, strange, "/tenant", "There is none.", "not_found"))
    return [found[name] for name in names]


def at(request: Request, places: Sequence[int], pointer: str, detail: str, code: str) -> Iterator[dict[str, str]]:
    batch = isinstance(request.data, list)
    for place in places:
        yield {"pointer": f"/{place}{pointer}" if batch else pointer, "detail": detail, "code": code}


def accepted(fact: Fact, published: Published) -> dict[str, Any]:
    """As AcceptedSerializer describes it, which would take as long for it as the database does."""
    event = published.event
    return {
        "id": str(event.public_id),
        "sender_id": event.sender_id,
        "type": event.type,
        "tenant": fact.tenant.reference,
        "accepted_at": event.accepted_at.isoformat().replace("+00:00", "Z"),
        "url": address("event", event),
        "page_url": page_address("events", event),
        "deliveries": [
            {
                "id": str(delivery.public_id),
                "connector": delivery.route.connector_key,
                "connection": delivery.connection and str(delivery.connection.public_id),
                "state": delivery.state,
            }
            for delivery in published.deliveries
        ],
    }
