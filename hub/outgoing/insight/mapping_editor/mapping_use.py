"""Find where a mapping is used: routes, the connection of its schema, and the newest events."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.http import load_json
from hub.connections.models import Connection
from hub.mappings.models import FieldMapping
from hub.outgoing.insight.dry_run import find_trial_connection
from hub.outgoing.models import Event, EventBody, Route
from hub.outgoing.routing import matches_event_type
from tenants.models import Tenant

ROUTES_LIMIT = 50
EVENTS_SCANNED = 1_000  # of the newest events
EVENTS_LIMIT = 20

EventDocument = tuple[Event, dict[str, Any]]  # the document is what mappings read


@dataclass(frozen=True, slots=True)
class MappingUse:
    """The use of a mapping: a tenant's routes, their connection, and the newest matching events.

    The newest event is first.
    """

    routes: Sequence[Route]
    connection: Connection | None
    documents: Sequence[EventDocument]

    def find_document(self, event_id: str) -> EventDocument | None:
        """Return the document of this event; the newest one if it is not among them."""
        matches = (entry for entry in self.documents if str(entry[0].public_id) == event_id)
        return next(matches, self.documents[0] if self.documents else None)


def load_mapping_use(
    mapping: FieldMapping, tenant: Tenant, events: Iterable[Event] | None = None
) -> MappingUse:
    """Load the use of a mapping by a tenant in five statements.

    `events` are those that its documents are made of, in place of the tenant's newest ones. An
    unsaved mapping or tenant has no routes.
    """
    used_by: list[Route] = []
    if mapping.pk and tenant.pk:
        routes = Route.objects.of(tenant).filter(mapping=mapping).order_by("name", "pk")
        related = routes.select_related("connection__tenant", "tenant", "origin")
        used_by = list(related[:ROUTES_LIMIT])
    connection = next((route.connection for route in used_by if route.connection), None)
    return MappingUse(
        used_by,
        find_trial_connection(connection, tenant, mapping.connector_key),
        load_documents(find_route_events(tenant, used_by) if events is None else events),
    )


def find_route_events(tenant: Tenant, routes: Collection[Route]) -> list[Event]:
    """Return the newest events that one of the routes matches, or any if there is no route."""
    newest = (
        Event.objects.of(tenant)
        .order_by("-pk")
        .values_list("pk", "type", "origin_id", "origin__connector_key")[:EVENTS_SCANNED]
    )
    keys = [
        pk
        for pk, type, origin, connector_key in newest
        if not routes
        or any(_is_matching_route(route, type, origin, connector_key) for route in routes)
    ][:EVENTS_LIMIT]
    events = Event.objects.of(tenant).select_related("tenant").in_bulk(keys)
    return [events[pk] for pk in keys if pk in events]


def load_documents(events: Iterable[Event]) -> list[EventDocument]:
    """Return the events whose bodies are still stored, each with what mappings read."""
    by_id = {event.pk: event for event in events}
    bodies = EventBody.objects.in_bulk(list(by_id))
    return [
        (event, event.build_document(event.tenant, _load_data(bodies[pk])))
        for pk, event in by_id.items()
        if pk in bodies
    ]


def _load_data(body: EventBody) -> dict[str, Any]:
    data: dict[str, Any] = load_json(bytes(body.body))["data"]
    return data


def _is_matching_route(
    route: Route, type: str, origin: int | None, connector_key: str | None
) -> bool:
    if not matches_event_type(route.event_type, type):
        return False
    if origin is None:
        return not route.origin_connector_key
    return route.origin_connector_key == connector_key and route.origin_id in (None, origin)
