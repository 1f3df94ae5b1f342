"""What the routes to a connection make of the tenant's newest events, before any goes: nothing is stored or sent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base import Action
from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.mappings.models import MappingVersion
from hub.outgoing.examples import newest_of
from hub.outgoing.explain import words_of
from hub.outgoing.models import Event, Route
from hub.outgoing.rehearse import Rehearsal, of_route

MOST = 3


@dataclass(frozen=True, slots=True)
class Sample:
    route: Route
    event: Event | None  # None: no such event came lately
    rehearsal: Rehearsal | None
    parts: Sequence[tuple[str, str]]  # what it is made of: by name the expression

    @property
    def sent(self) -> bool:
        return self.rehearsal is not None and self.rehearsal.state == "waiting"

    @property
    def why(self) -> str:
        """Why this event is not sent as it is."""
        reason = self.rehearsal.reason if self.rehearsal else ""
        return words_of(reason, self.route.connector).sentence if reason else ""


def samples(routes: Sequence[Route], connection: Connection) -> list[Sample]:
    """Of the first few, by the newest event that each would see; four statements, and one for each that asks which
    of their records is meant."""
    tenant, shown = connection.tenant, routes[:MOST]
    newest = MappingVersion.unscoped.filter(mapping__in={route.mapping_id for route in shown}).order_by("number")
    versions = {version.mapping_id: version for version in newest}
    events = newest_of(tenant, {route.event_type for route in shown})
    found = []
    for route in shown:
        event, document = events.get(route.event_type, (None, {}))
        version = versions.get(route.mapping_id)
        if version:
            rehearsal = of_route(route, version, document, tenant, connection) if event else None
            found.append(Sample(route, event, rehearsal, parts_of(route, version)))
    return found


def parts_of(route: Route, version: MappingVersion) -> list[tuple[str, str]]:
    try:
        action: Action = CONNECTORS[route.connector].action(route.action)
    except LookupError:  # the rehearsal says so
        return []
    labels = {entry.key: entry.label for entry in action.inputs}
    body = version.body or action.default
    return [
        (labels.get(key, key), value if isinstance(value, str) else json.dumps(value)) for key, value in body.items()
    ]
