"""Event types of a tenant with examples and schemas, and its newest events to try a filter with."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.http import load_json
from hub.outgoing.models import Event, EventBody, Route
from hub.outgoing.routing import matches_event_type
from hub.outgoing.schemas import infer_schema, list_schema_paths, parse_type_version
from tenants.models import Tenant

EVENTS_SCANNED = 1_000  # of the newest events
TYPES_LIMIT = 100
RECENT_EVENTS = 20
EXAMPLES_PER_TYPE = 3  # from which its schema is inferred


@dataclass(frozen=True, slots=True)
class KnownEventType:
    name: str
    count: int  # among the newest events
    examples: Sequence[Any] = ()  # the data of the newest ones, the last first
    schema: Mapping[str, Any] = field(default_factory=dict)  # of their data; empty: no examples

    @property
    def example(self) -> Any:
        return self.examples[0] if self.examples else None

    @property
    def version(self) -> int:
        return parse_type_version(self.name)

    @property
    def paths(self) -> list[str]:
        """The paths that a filter can name."""
        return list_schema_paths(self.schema, "data") if self.schema else []


def list_event_types(tenant: Tenant) -> list[KnownEventType]:
    """List the types of the newest events and of the routes; three statements."""
    newest = Event.objects.of(tenant).order_by("-pk").values_list("type", "pk")[:EVENTS_SCANNED]
    counts, newest_ids = Counter[str](), defaultdict[str, list[int]](list)
    for type, pk in newest:
        counts[type] += 1
        if counts[type] <= EXAMPLES_PER_TYPE:
            newest_ids[type].append(pk)
    routed_types = (
        Route.objects.of(tenant)
        .filter(enabled=True)
        .values_list("event_type", flat=True)
        .distinct()
    )
    names = sorted({*counts, *(type for type in routed_types if "*" not in type)})[:TYPES_LIMIT]
    data = _load_event_data(pk for name in names for pk in newest_ids[name])
    return [
        build_event_type(name, counts[name], [data[pk] for pk in newest_ids[name] if pk in data])
        for name in names
    ]


def build_event_type(name: str, count: int, examples: Sequence[Any]) -> KnownEventType:
    return KnownEventType(name, count, examples, infer_schema(examples) if examples else {})


def load_recent_documents(
    tenant: Tenant, patterns: Collection[str]
) -> list[tuple[Event, dict[str, Any]]]:
    """Return the newest matching events, as the documents that filters evaluate; two queries."""
    newest = Event.objects.of(tenant).order_by("-pk")[:EVENTS_SCANNED]
    matching = [
        event
        for event in newest
        if any(matches_event_type(pattern, event.type) for pattern in patterns)
    ][:RECENT_EVENTS]
    data = _load_event_data(event.pk for event in matching)
    return [
        (event, event.build_document(tenant, data[event.pk]))
        for event in matching
        if event.pk in data
    ]


def load_newest_documents(
    tenant: Tenant, patterns: Collection[str]
) -> dict[str, tuple[Event, dict[str, Any]]]:
    """Return each pattern's newest event, as the document of mappings; three queries."""
    newest_ids: dict[str, int] = {}
    for type, pk in (
        Event.objects.of(tenant).order_by("-pk").values_list("type", "pk")[:EVENTS_SCANNED]
    ):
        for pattern in patterns:
            if pattern not in newest_ids and matches_event_type(pattern, type):
                newest_ids[pattern] = pk
    events, data = (
        Event.objects.of(tenant).in_bulk(newest_ids.values()),
        _load_event_data(newest_ids.values()),
    )
    return {
        pattern: (events[pk], events[pk].build_document(tenant, data[pk]))
        for pattern, pk in newest_ids.items()
        if pk in events and pk in data
    }


def _load_event_data(events: Iterable[int]) -> dict[int, Any]:
    return {
        event_body.pk: load_json(bytes(event_body.body))["data"]
        for event_body in EventBody.objects.in_bulk(list(events)).values()
    }
