"""The event types that a tenant knows, each with an example; and its last events, to try a filter on."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from hub.outgoing.match import matches
from hub.outgoing.models import Event, EventBody, Route
from tenants.models import Tenant

LOOKED = 1_000  # of the newest events
TYPES_MOST = 100
LAST = 20


@dataclass(frozen=True, slots=True)
class KnownType:
    name: str
    seen: int  # among the newest events
    example: Any = None  # the data of the newest one


def known_types(tenant: Tenant) -> list[KnownType]:
    """In three statements."""
    newest = Event.objects.of(tenant).order_by("-pk").values_list("type", "pk")[:LOOKED]
    seen, first = Counter[str](), dict[str, int]()
    for type, pk in newest:
        seen[type] += 1
        first.setdefault(type, pk)
    waited_for = Route.objects.of(tenant).filter(enabled=True).values_list("event_type", flat=True).distinct()
    names = sorted({*seen, *(type for type in waited_for if "*" not in type)})[:TYPES_MOST]
    data = data_of(first[name] for name in names if name in first)
    return [KnownType(name, seen[name], data.get(first.get(name, 0))) for name in names]


def last_documents(tenant: Tenant, patterns: Collection[str]) -> list[tuple[Event, dict[str, Any]]]:
    """The last events that a route of these patterns would see, as its filter sees them; two statements."""
    newest = Event.objects.of(tenant).order_by("-pk")[:LOOKED]
    meant = [event for event in newest if any(matches(pattern, event.type) for pattern in patterns)][:LAST]
    data = data_of(event.pk for event in meant)
    return [(event, event.document(tenant, data[event.pk])) for event in meant if event.pk in data]


def newest_of(tenant: Tenant, patterns: Collection[str]) -> dict[str, tuple[Event, dict[str, Any]]]:
    """By pattern the newest event that a route of it would see, as its mapping sees it; three statements."""
    first: dict[str, int] = {}
    for type, pk in Event.objects.of(tenant).order_by("-pk").values_list("type", "pk")[:LOOKED]:
        for pattern in patterns:
            if pattern not in first and matches(pattern, type):
                first[pattern] = pk
    events, data = Event.objects.of(tenant).in_bulk(first.values()), data_of(first.values())
    return {
        pattern: (events[pk], events[pk].document(tenant, data[pk]))
        for pattern, pk in first.items()
        if pk in events and pk in data
    }


def data_of(events: Iterable[int]) -> dict[int, Any]:
    return {row.pk: json.loads(bytes(row.body))["data"] for row in EventBody.objects.in_bulk(list(events)).values()}
