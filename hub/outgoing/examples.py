"""The event types that a tenant knows, each with an example; and its last events, to try a filter on."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.outgoing.match import matches
from hub.outgoing.models import Event, EventBody, Route
from hub.outgoing.schemas import paths_in, schema_of, version_of
from tenants.models import Tenant

LOOKED = 1_000  # of the newest events
TYPES_MOST = 100
LAST = 20
EXAMPLES = 3  # of one type, from which its schema is drawn


@dataclass(frozen=True, slots=True)
class KnownType:
    name: str
    seen: int  # among the newest events
    examples: Sequence[Any] = ()  # the data of the newest ones, the last first
    schema: Mapping[str, Any] = field(default_factory=dict)  # of the data, as these have it; empty: none came

    @property
    def example(self) -> Any:
        return self.examples[0] if self.examples else None

    @property
    def version(self) -> int:
        return version_of(self.name)

    @property
    def paths(self) -> list[str]:
        """What a filter can name of it."""
        return paths_in(self.schema, "data") if self.schema else []


def known_types(tenant: Tenant) -> list[KnownType]:
    """In three statements."""
    newest = Event.objects.of(tenant).order_by("-pk").values_list("type", "pk")[:LOOKED]
    seen, last = Counter[str](), defaultdict[str, list[int]](list)
    for type, pk in newest:
        seen[type] += 1
        if seen[type] <= EXAMPLES:
            last[type].append(pk)
    waited_for = Route.objects.of(tenant).filter(enabled=True).values_list("event_type", flat=True).distinct()
    names = sorted({*seen, *(type for type in waited_for if "*" not in type)})[:TYPES_MOST]
    data = data_of(pk for name in names for pk in last[name])
    return [known(name, seen[name], [data[pk] for pk in last[name] if pk in data]) for name in names]


def known(name: str, seen: int, examples: Sequence[Any]) -> KnownType:
    return KnownType(name, seen, examples, schema_of(examples) if examples else {})


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
