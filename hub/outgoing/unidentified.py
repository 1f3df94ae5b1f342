"""What the routes to a connection ask for that nobody told: our records whose counterpart is not known there."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from connectors.wire import dumps
from hub.connections.models import Connection
from hub.mappings.models import Identity, MappingVersion
from hub.mappings.translate import IdentityMissing, MappingError, collect_identities
from hub.outgoing.models import Delivery, Route
from hub.outgoing.models.events import document
from hub.outgoing.pump.reading import compiled
from tenants.models import Tenant

Pair = tuple[str, str]

LOOKED = 1_000  # of the tenant's newest held deliveries


@dataclass(frozen=True, slots=True)
class Missing:
    kind: str
    ours: str
    held: int = 0  # deliveries that wait for it, among those that were looked at


def named_by(routes: Iterable[Route], connection: Connection) -> list[Missing]:
    """Those that a mapping names itself, whatever the event; two statements."""
    return [Missing(*pair) for pair in sorted(named_at(routes, [connection])[connection.pk])]


def named_at(routes: Iterable[Route], connections: Sequence[Connection]) -> dict[int, set[Pair]]:
    """The same by connection, for those of one tenant."""
    asked: dict[int, set[Pair]] = {row.pk: set() for row in connections}
    versions = newest_versions(routes)
    for route in routes:
        meant = [row for row in connections if leads_to(route, row)]
        pairs = named_in(versions.get(route.mapping_id), route, meant[0]) if meant else set()
        for row in meant:
            asked[row.pk] |= pairs
    kinds = {kind for pairs in asked.values() for kind, _ in pairs}
    known = Identity.unscoped.filter(connection__in=[pk for pk, pairs in asked.items() if pairs], kind__in=kinds)
    for pk, kind, ours in known.values_list("connection", "kind", "ours"):
        asked[pk].discard((kind, ours))
    return asked


def leads_to(route: Route, connection: Connection) -> bool:
    return route.connection_id == connection.pk or (
        route.connection_id is None and route.connector_key == connection.connector_key
    )


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


def waited_for(tenant: Tenant) -> dict[int, Counter[Pair]]:
    """By connection those for want of which deliveries are held now, with how many; one statement."""
    held = Delivery.objects.of(tenant).filter(state="held").order_by("-pk")
    counts: dict[int, Counter[Pair]] = defaultdict(Counter)
    for pk, reason, detail in held.values_list("connection_id", "reason", "detail")[:LOOKED]:
        if pk and reason == "identity_missing" and (pair := IdentityMissing.read(detail)):
            counts[pk][pair] += 1
    return counts


def unidentified(routes: Iterable[Route], connection: Connection) -> list[Missing]:
    """Both, each once: what holds something first."""
    return unidentified_at(routes, connection.tenant, [connection])[connection.pk]


def unidentified_at(
    routes: Iterable[Route], tenant: Tenant, connections: Sequence[Connection]
) -> dict[int, list[Missing]]:
    """The same by connection, for those of one tenant; three statements."""
    waits, named = waited_for(tenant), named_at(routes, connections)
    return {pk: merged(waits.get(pk, Counter()), pairs) for pk, pairs in named.items()}


def merged(waits: Counter[Pair], named: set[Pair]) -> list[Missing]:
    held = [Missing(*pair, count) for pair, count in sorted(waits.items())]
    return held + [Missing(*pair) for pair in sorted(named - waits.keys())]
