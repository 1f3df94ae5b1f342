"""The catalogue: connectors by name, synonym or category, with the tenant's connections.

It takes three statements.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.connecting.connector_requests import (
    ConnectorDemand,
    count_connector_requests,
    find_system_key,
)
from hub.connections.models import Connection, ConnectorApp
from hub.connections.status.effective_status import needs_attention
from hub.reason_codes import translate_text
from tenants.models import Tenant

CONNECTIONS_NAMED = 5  # connections on a card
STATE_ORDER = {"attention": 0, "connected": 1, "available": 2, "not_set_up": 3}


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    connector: Connector
    connections: Sequence[Connection]
    ready: bool  # our app in the system is configured
    demand: ConnectorDemand = ConnectorDemand()

    @property
    def first_connections(self) -> Sequence[Connection]:
        """Return the connections named on the card, those that need attention first."""
        return sorted(
            self.connections,
            key=lambda connection: not needs_attention(connection.state, connection.reason),
        )[:CONNECTIONS_NAMED]

    @property
    def further_count(self) -> int:
        return len(self.connections) - len(self.first_connections)

    @property
    def state(self) -> str:
        if any(needs_attention(one.state, one.reason) for one in self.connections):
            return "attention"
        if self.connections:
            return "connected"
        return "available" if self.ready else "not_set_up"


def list_offered_connectors() -> list[Connector]:
    return [connector for connector in CONNECTORS.values() if not connector.is_for_platform]


@dataclass(frozen=True, slots=True)
class CatalogueResult:
    """The result of a search: the matching systems, or the demand for a missing connector."""

    entries: Sequence[CatalogueEntry]
    demand: ConnectorDemand


def search_catalogue(query: str, category: str, tenant: Tenant) -> CatalogueResult:
    connectors, ready = (
        filter_connectors(list_offered_connectors(), query, category),
        ConnectorApp.list_configured_connector_keys(),
    )
    connections = (
        Connection.objects.of(tenant)
        .exclude(state="disabled", reason="disconnected")
        .order_by("name")
    )
    demand = count_connector_requests(
        [
            *(connector.key for connector in connectors if connector.key not in ready),
            find_system_key(query),
        ],
        tenant,
    )
    return CatalogueResult(
        build_entries(connectors, list(connections), ready, demand),
        demand.get(find_system_key(query), ConnectorDemand()),
    )


def build_entries(
    connectors: Iterable[Connector],
    connections: Iterable[Connection],
    ready: Collection[str],
    demand: Mapping[str, ConnectorDemand],
) -> list[CatalogueEntry]:
    """Return the entries; those that need attention first, then connected and available systems."""
    connections_by_key = defaultdict(list)
    for connection in connections:
        connections_by_key[connection.connector_key].append(connection)
    catalogue_entries = [
        CatalogueEntry(
            connector,
            connections_by_key[connector.key],
            connector.key in ready,
            demand.get(connector.key, ConnectorDemand()),
        )
        for connector in connectors
    ]
    return sorted(
        catalogue_entries,
        key=lambda entry: (STATE_ORDER[entry.state], entry.connector.label.lower()),
    )


def filter_connectors(
    connectors: Iterable[Connector], query: str, category: str = ""
) -> list[Connector]:
    """Return the connectors that match every word of the query and the category, if given."""
    words = query.casefold().split()
    return [
        connector
        for connector in connectors
        if (not category or category in connector.categories)
        and all(word in build_search_text(connector) for word in words)
    ]


def build_search_text(connector: Connector) -> str:
    texts = (
        connector.label,
        translate_text(connector.summary),
        *map(translate_text, connector.categories),
        *connector.synonyms,
    )
    return " ".join(texts).casefold()


def list_categories(connectors: Iterable[Connector]) -> list[str]:
    return sorted({category for connector in connectors for category in connector.categories})
