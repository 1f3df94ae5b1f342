"""Missing identities: records of ours that routes need, without a record in the other system."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from connectors.http import dump_json
from hub.connections.models import Connection
from hub.mappings.compiler_cache import compiled_mapping
from hub.mappings.models import Identity, MappingVersion
from hub.mappings.translate import IdentityMissing, MappingError, collect_identities
from hub.outgoing.models import Delivery, Route
from hub.outgoing.models.events import build_event_document
from tenants.models import Tenant

IdentityPair = tuple[str, str]

HELD_SCANNED = 1_000  # of the tenant's newest held deliveries


@dataclass(frozen=True, slots=True)
class MissingIdentity:
    kind: str
    local_id: str
    waiting_deliveries: int = 0  # held for it, among the newest HELD_SCANNED


def find_static_identities(
    routes: Iterable[Route], connection: Connection
) -> list[MissingIdentity]:
    """Return the missing identities with constant ids in mappings, which are needed for every
    event; two queries.
    """
    return [
        MissingIdentity(*pair)
        for pair in sorted(
            _find_static_identities_by_connection(routes, [connection])[connection.pk]
        )
    ]


def _find_static_identities_by_connection(
    routes: Iterable[Route], connections: Sequence[Connection]
) -> dict[int, set[IdentityPair]]:
    """Return missing identities with constant ids in mappings, for connections of one tenant."""
    missing: dict[int, set[IdentityPair]] = {connection.pk: set() for connection in connections}
    versions = load_newest_versions(routes)
    for route in routes:
        targets = [connection for connection in connections if _is_route_to(route, connection)]
        pairs = (
            _collect_static_identities(versions.get(route.mapping_id), route, targets[0])
            if targets
            else set()
        )
        for connection in targets:
            missing[connection.pk] |= pairs
    kinds = {kind for pairs in missing.values() for kind, _ in pairs}
    identities = Identity.confirmed().filter(
        connection__in=[pk for pk, pairs in missing.items() if pairs], kind__in=kinds
    )
    for pk, kind, local_id in identities.values_list("connection", "kind", "local_id"):
        missing[pk].discard((kind, local_id))
    return missing


def _is_route_to(route: Route, connection: Connection) -> bool:
    return route.connection_id == connection.pk or (
        route.connection_id is None and route.connector_key == connection.connector_key
    )


def load_newest_versions(routes: Iterable[Route]) -> dict[int, MappingVersion]:
    """Return the newest version of each route's mapping, by mapping; one statement."""
    versions = MappingVersion.unscoped.filter(mapping__in={route.mapping_id for route in routes})
    versions = versions.select_related("mapping").order_by("number")
    return {version.mapping_id: version for version in versions}


def _collect_static_identities(
    version: MappingVersion | None, route: Route, connection: Connection
) -> set[IdentityPair]:
    """Evaluate the mapping with an empty event, to find identities with constant ids."""
    if version is None:
        return set()
    try:
        mapping = compiled_mapping(dump_json(version.body))
    except MappingError:  # the route's page shows it
        return set()
    tenant = connection.tenant
    if tenant is None:  # the platform's own connection has no identities
        return set()
    document = build_event_document("", route.event_type, tenant, connection.created_at, {})
    return collect_identities(mapping, document, ZoneInfo(tenant.time_zone))


def _count_deliveries_by_missing_identity(tenant: Tenant) -> dict[int, Counter[IdentityPair]]:
    """Count the held deliveries by missing identity and connection; one statement."""
    held_deliveries = Delivery.objects.of(tenant).filter(state="held").order_by("-pk")
    counts: dict[int, Counter[IdentityPair]] = defaultdict(Counter)
    for pk, reason, detail in held_deliveries.values_list("connection_id", "reason", "detail")[
        :HELD_SCANNED
    ]:
        if pk and reason == "identity_missing" and (pair := IdentityMissing.parse(detail)):
            counts[pk][pair] += 1
    return counts


def list_missing_identities(
    routes: Iterable[Route], connection: Connection
) -> list[MissingIdentity]:
    """Return the missing identities of a connection, those that hold deliveries first."""
    tenant = connection.tenant
    if tenant is None:  # the platform's own connection has no identities
        return []
    return list_missing_identities_by_connection(routes, tenant, [connection])[connection.pk]


def list_missing_identities_by_connection(
    routes: Iterable[Route], tenant: Tenant, connections: Sequence[Connection]
) -> dict[int, list[MissingIdentity]]:
    """Return the missing identities of several connections of one tenant; three statements."""
    awaited, static = (
        _count_deliveries_by_missing_identity(tenant),
        _find_static_identities_by_connection(routes, connections),
    )
    return {
        pk: _merge_missing_identities(awaited.get(pk, Counter()), pairs)
        for pk, pairs in static.items()
    }


def _merge_missing_identities(
    awaited: Counter[IdentityPair], static: set[IdentityPair]
) -> list[MissingIdentity]:
    missing = [MissingIdentity(*pair, count) for pair, count in sorted(awaited.items())]
    return missing + [MissingIdentity(*pair) for pair in sorted(static - awaited.keys())]
