"""What a tenant can connect, found by name, synonym or category, with how it stands there; three statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.models import Connection, ConnectorApp
from hub.connections.wish import Asked, asked_for, system_of
from hub.words import said
from tenants.models import Tenant

NEEDS_HELP = {"needs_reconnect", "degraded", "silent", "disabled"}
NAMED = 5  # connections on a card
SHOWN_FIRST = {"attention": 0, "connected": 1, "available": 2, "not_set_up": 3}


@dataclass(frozen=True, slots=True)
class Entry:
    connector: Connector
    connections: Sequence[Connection]
    ready: bool  # our own registration there is set up
    asked: Asked = Asked()

    @property
    def first(self) -> Sequence[Connection]:
        """What its card names; what needs a look before what does not."""
        return sorted(self.connections, key=lambda row: row.state not in NEEDS_HELP)[:NAMED]

    @property
    def others(self) -> int:
        return len(self.connections) - len(self.first)

    @property
    def state(self) -> str:
        if any(connection.state in NEEDS_HELP for connection in self.connections):
            return "attention"
        if self.connections:
            return "connected"
        return "available" if self.ready else "not_set_up"


def offered() -> list[Connector]:
    return [connector for connector in CONNECTORS.values() if not connector.platform]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search shows: the systems, and where there is none, how many ask for what was searched."""

    entries: Sequence[Entry]
    asked: Asked


def search(query: str, category: str, tenant: Tenant) -> Found:
    connectors, ready = matching(offered(), query, category), ConnectorApp.ready()
    rows = Connection.objects.of(tenant).exclude(state="disabled", reason="disconnected").order_by("name")
    asked = asked_for([*(code.key for code in connectors if code.key not in ready), system_of(query)], tenant)
    return Found(entries(connectors, list(rows), ready, asked), asked.get(system_of(query), Asked()))


def entries(
    connectors: Iterable[Connector], rows: Iterable[Connection], ready: Collection[str], asked: Mapping[str, Asked]
) -> list[Entry]:
    """What needs a look first, then what is there, then what can be."""
    there = defaultdict(list)
    for row in rows:
        there[row.connector_key].append(row)
    found = [Entry(code, there[code.key], code.key in ready, asked.get(code.key, Asked())) for code in connectors]
    return sorted(found, key=lambda entry: (SHOWN_FIRST[entry.state], entry.connector.label.lower()))


def matching(connectors: Iterable[Connector], query: str, category: str = "") -> list[Connector]:
    """Those in which each word of the query is found; with a category, those of that alone."""
    words = query.casefold().split()
    return [
        connector
        for connector in connectors
        if (not category or category in connector.categories) and all(word in text_of(connector) for word in words)
    ]


def text_of(connector: Connector) -> str:
    named = (connector.label, said(connector.summary), *map(said, connector.categories), *connector.synonyms)
    return " ".join(named).casefold()


def categories(connectors: Iterable[Connector]) -> list[str]:
    return sorted({category for connector in connectors for category in connector.categories})
