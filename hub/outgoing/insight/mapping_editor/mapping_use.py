"""Find where a mapping is used: routes, the connection of its schema, and the newest events."""

from collections.abc import Collection, Sequence
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


def load_mapping_use(mapping: FieldMapping, tenant: Tenant) -> MappingUse:
    """Load the use of a mapping by a tenant in five statements."""
    routes = (
        Route.objects.of(tenant)
        .filter(mapping=mapping)
        .select_related("connection__tenant", "tenant", "origin")
        .order_by("name", "pk")[:ROUTES_LIMIT]
    )
    used_by = list(routes)
    connection = next((route.connection for route in used_by if route.connection), None)
    return MappingUse(
        used_by,
        find_trial_connection(connection, tenant, mapping.connector_key),
        load_route_documents(tenant, used_by),
    )


def load_route_documents(tenant: Tenant, routes: Collection[Route]) -> list[EventDocument]:
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
    events, bodies = Event.objects.of(tenant).in_bulk(keys), EventBody.objects.in_bulk(keys)
    return [
        (events[pk], events[pk].build_document(tenant, load_json(bytes(bodies[pk].body))["data"]))
        for pk in keys
        if pk in events and pk in bodies
    ]


def _is_matching_route(
    route: Route, type: str, origin: int | None, connector_key: str | None
) -> bool:
    if not matches_event_type(route.event_type, type):
        return False
    if origin is None:
        return not route.origin_connector_key
    return route.origin_connector_key == connector_key and route.origin_id in (None, origin)
