"""From the body of a request to facts, and from what was published to the answer."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from connectors.wire import dumps
from hub.outgoing.models import Delivery
from hub.outgoing.publish import EventConflict, Fact, Published, publish_all
from hub.outgoing.serializers import AcceptedSerializer, EventSerializer
from hub.problems import Problem
from hub.rest.fields import address
from hub.rest.once import Answer
from tenants.models import Tenant

SOURCE = "api"


def accept(request: Request, *, now: datetime) -> Answer:
    """Publish the event, or all events of a batch or none; they are stored when the transaction commits."""
    facts = facts_of(request, now=now)
    batch = isinstance(request.data, list)
    try:
        published = publish_all(facts, source=SOURCE, now=now)
    except EventConflict as conflict:
        pointer = f"/{conflict.index}/id" if batch else "/id"
        error = {"pointer": pointer, "detail": f"{conflict}.", "code": "conflict"}
        raise Problem("event-conflict", errors=[error]) from conflict
    told = AcceptedSerializer(with_deliveries(facts, published), many=True).data
    if batch:
        return Answer({"events": told})
    return Answer(told[0], location=address("event", published[0].event))


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


def with_deliveries(facts: Sequence[Fact], published: Sequence[Published]) -> list[Any]:
    """The events, each with the deliveries that it began with as they are now: one statement for all of them."""
    events = [answer.event for answer in published]
    rows = Delivery.unscoped.filter(event__in=events, replay=0).select_related("route", "connection").order_by("pk")
    of_event = defaultdict(list)
    for delivery in rows:
        of_event[delivery.event_id].append(delivery)
    for fact, event in zip(facts, events, strict=True):
        event.tenant = fact.tenant
        event.first_deliveries = of_event[event.pk]
    return events
