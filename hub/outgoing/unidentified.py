"""What the routes to a connection ask for that nobody told: our records whose counterpart is not known there."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from connectors.wire import dumps
from hub.connections.models import Connection
from hub.mappings.models import Identity, MappingVersion
from hub.mappings.translate import IdentityMissing, MappingError, collect_identities
from hub.outgoing.models import Delivery, Route
from hub.outgoing.models.events import document
from hub.outgoing.pump.reading import compiled

Pair = tuple[str, str]

LOOKED = 1_000  # of the tenant's newest held deliveries


@dataclass(frozen=True, slots=True)
class Missing:
    kind: str
    ours: str
    held: int = 0  # deliveries that wait for it, among those that were looked at


def named_by(routes: Iterable[Route], connection: Connection) -> list[Missing]:
    """Those that a mapping names itself, whatever the event; two statements."""
    versions = newest_versions(routes)
    asked = {pair for route in routes for pair in named_in(versions.get(route.mapping_id), route, connection)}
    known = Identity.unscoped.filter(connection=connection, kind__in={kind for kind, _ in asked})
    return [Missing(*pair) for pair in sorted(asked - set(known.values_list("kind", "ours")))]


def newest_versions(routes: Iterable[Route]) -> dict[int, MappingVersion]:
    """By mapping; one statement."""
    rows = MappingVersion.unscoped.filter(mapping__in={route.mapping_id for route in routes}).order_by("number")
    return {version.mapping_id: version for version in rows}


def named_in(version: MappingVersion | None, route: Route, connection: Connection) -> set[Pair]:
    """By an event that says nothing: what depends on its data is not named."""
    if version is None:
        return set()
    try:
        mapping = compiled(dumps(version.body))
    except MappingError:  # it is told where it is mended
        return set()
    silent = document("", route.event_type, connection.tenant, connection.created_at, {})
    return collect_identities(mapping, silent, ZoneInfo(connection.tenant.time_zone))


def waited_for(connection: Connection) -> list[Missing]:
    """Those for want of which deliveries are held now; one statement."""
    held = Delivery.objects.of(connection.tenant).filter(state="held").order_by("-pk")
    rows = held.values_list("connection_id", "reason", "says")[:LOOKED]
    ours = (says for pk, reason, says in rows if pk == connection.pk and reason == "identity_missing")
    counts = Counter(pair for says in ours if (pair := IdentityMissing.read(says)))
    return [Missing(*pair, held) for pair, held in sorted(counts.items())]


def unidentified(routes: Iterable[Route], connection: Connection) -> list[Missing]:
    """Both, each once: what holds something first."""
    waits = waited_for(connection)
    told = {(row.kind, row.ours) for row in waits}
    return waits + [row for row in named_by(routes, connection) if (row.kind, row.ours) not in told]
