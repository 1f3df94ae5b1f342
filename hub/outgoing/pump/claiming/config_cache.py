"""Cache of seldom changed configuration: tenants, routes, mapping versions, connector apps."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from connectors.http import dump_json
from connectors.roles import Action
from hub.connections.models import Connection, ConnectorApp
from hub.db.clock import LONG_AGO
from hub.db.prepared import PreparedQuery
from hub.mappings.compiler_cache import compiled_mapping
from hub.mappings.models import MappingVersion
from hub.mappings.translate import CompiledMapping
from hub.outgoing.models import Route, matches_event_type
from tenants.models import Tenant

MAX_AGE = timedelta(seconds=1)
TENANTS_BY_ID = PreparedQuery(lambda *, ids: Tenant.objects.filter(id__any_of=ids))
ROUTES_BY_ID = PreparedQuery(lambda *, ids: Route.unscoped.filter(id__any_of=ids))
NEWER_VERSIONS = MappingVersion.unscoped.filter(
    mapping=OuterRef("mapping"), number__gt=OuterRef("number")
)
NEWEST_VERSIONS = PreparedQuery(
    lambda *, ids: MappingVersion.unscoped.filter(~Exists(NEWER_VERSIONS), mapping__id__any_of=ids)
)
APPS_BY_KEY = PreparedQuery(lambda *, keys: ConnectorApp.objects.filter(connector_key__any_of=keys))


@dataclass(slots=True)
class ConfigCache:
    """Rows by key, at most MAX_AGE old."""

    loaded_at: datetime = LONG_AGO
    tenants: dict[int, Tenant] = field(default_factory=dict)
    routes: dict[int, Route] = field(default_factory=dict)
    versions: dict[int, MappingVersion] = field(default_factory=dict)  # newest by mapping
    apps: dict[str, ConnectorApp | None] = field(default_factory=dict)  # by connector
    mapping_texts: dict[tuple[int, str], bytes] = field(default_factory=dict)  # by version, action
    # event types that enabled routes take, by connector, tenant and connection; None: not loaded
    received_types: dict[tuple[str, int | None, int | None], set[str]] | None = None
    # by connection and event type
    reported_changes: dict[tuple[int, str], bool] = field(default_factory=dict)
    recent_tenants: set[int] = field(default_factory=set)  # loaded with the next missing one

    def expire(self, *, now: datetime) -> None:
        """Empty the cache if it is MAX_AGE old, or if the clock went back."""
        if abs(now - self.loaded_at) >= MAX_AGE:
            self.loaded_at = now
            self.recent_tenants = set(self.tenants)
            self.tenants.clear()
            self.routes.clear()
            self.versions.clear()
            self.apps.clear()
            self.mapping_texts.clear()
            self.reported_changes.clear()
            self.received_types = None

    def load(
        self,
        *,
        tenants: Collection[int] = (),
        routes: Collection[int] = (),
        connectors: Collection[str] = (),
    ) -> None:
        """Load the missing rows of these keys: at most one query for each kind."""
        if missing := set(tenants) - self.tenants.keys():
            self._load_tenants(missing | self.recent_tenants)
        if missing := set(routes) - self.routes.keys():
            self._load_routes(missing)
        if missing_connectors := set(connectors) - self.apps.keys():
            self._load_apps(missing_connectors)

    def _load_tenants(self, ids: set[int]) -> None:
        """Load all recently used tenants at once, which is cheaper than a few with each claim."""
        self.recent_tenants = set()
        rows = TENANTS_BY_ID.fetch_models(ids=list(ids))
        self.tenants |= {tenant.pk: tenant for tenant in rows}

    def _load_routes(self, ids: set[int]) -> None:
        self.routes |= {route.pk: route for route in ROUTES_BY_ID.fetch_models(ids=list(ids))}
        mappings = {route.mapping_id for route in self.routes.values()} - self.versions.keys()
        rows = NEWEST_VERSIONS.fetch_models(ids=list(mappings))
        self.versions |= {version.mapping_id: version for version in rows}

    def _load_apps(self, connectors: set[str]) -> None:
        self.apps |= dict.fromkeys(connectors)
        rows = APPS_BY_KEY.fetch_models(keys=list(connectors))
        self.apps |= {app.connector_key: app for app in rows}

    def receives_events(self, connection: Connection) -> bool:
        """Return whether an enabled route takes events that the connection receives."""
        return bool(self._find_patterns(connection))

    def reports_change(self, connection: Connection, type: str) -> bool:
        """Return whether the system sends webhooks of this type, without the connector's key.

        A route takes it, or another type that one registration delivers together with it.
        """
        key = (connection.pk, type)
        if key not in self.reported_changes:
            reported = self._list_reported_types(connection)
            patterns = self._find_patterns(connection)
            full_type = f"{connection.connector_key}.{type}"
            self.reported_changes[key] = type in reported or any(
                matches_event_type(pattern, full_type) for pattern in patterns
            )
        return self.reported_changes[key]

    def _list_reported_types(self, connection: Connection) -> set[str]:
        """List the types of the registrations that the routes need."""
        connector, patterns = connection.connector, self._find_patterns(connection)
        if connector.webhook_source is None or connector.subscriptions is None:
            return set()
        wanted = [
            entry.type
            for entry in connector.webhook_source.event_types
            if any(
                matches_event_type(pattern, f"{connector.key}.{entry.type}") for pattern in patterns
            )
        ]
        registrations = connector.subscriptions.list_wanted_registrations(wanted)
        return {type for types in registrations.values() for type in types}

    def _find_patterns(self, connection: Connection) -> set[str]:
        """Return the event types that enabled routes take from the connection."""
        if self.received_types is None:
            self.received_types = {}
            routes = Route.unscoped.filter(enabled=True).exclude(origin_connector_key="")
            origins = routes.values_list("origin_connector_key", "tenant", "origin", "event_type")
            for key, tenant_id, origin_id, pattern in origins.distinct():
                patterns = self.received_types.setdefault((key, tenant_id, origin_id), set())
                patterns.add(pattern)
        return {
            pattern
            for tenant_id in (None, connection.tenant_id)
            for origin_id in (None, connection.pk)
            for pattern in self.received_types.get(
                (connection.connector_key, tenant_id, origin_id), ()
            )
        }

    def mapping_for(self, version: MappingVersion, action: Action) -> CompiledMapping:
        """Return the compiled mapping; an empty one means the action's default.

        Raises MappingError when the stored mapping does not compile.
        """
        key = (version.pk, action.key)
        if key not in self.mapping_texts:
            self.mapping_texts[key] = dump_json(version.body or action.default)
        return compiled_mapping(self.mapping_texts[key])
