"""What deliveries share and what changes seldom: tenants, routes, mappings, apps, as they were a second ago at most."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.base import Action
from connectors.http import dump_json
from hub.connections.models import ConnectorApp
from hub.db.clock import LONG_AGO
from hub.db.prepared import PreparedQuery
from hub.mappings.compiler_cache import compiled_mapping
from hub.mappings.models import MappingVersion
from hub.mappings.translate import CompiledMapping
from hub.outgoing.models import Route
from tenants.models import Tenant

MAX_AGE = timedelta(seconds=1)
TENANTS_BY_ID = PreparedQuery(lambda *, ids: Tenant.objects.filter(id__any_of=ids))


@dataclass(slots=True)
class ConfigCache:
    loaded_at: datetime = LONG_AGO
    tenants: dict[int, Tenant] = field(default_factory=dict)
    routes: dict[int, Route] = field(default_factory=dict)
    versions: dict[int, MappingVersion] = field(default_factory=dict)  # by mapping, the newest
    apps: dict[str, ConnectorApp | None] = field(default_factory=dict)
    mappings: dict[tuple[int, str], CompiledMapping] = field(
        default_factory=dict
    )  # by version and action
    recent_tenants: set[int] = field(
        default_factory=set
    )  # tenants that are likely to be asked for soon

    def expire(self, *, now: datetime) -> None:
        """Forget what is old."""
        if abs(now - self.loaded_at) >= MAX_AGE:
            self.loaded_at = now
            self.recent_tenants = set(self.tenants)
            for cache in (self.tenants, self.routes, self.versions, self.apps, self.mappings):
                cache.clear()

    def load(
        self,
        *,
        tenants: Collection[int] = (),
        routes: Collection[int] = (),
        connectors: Collection[str] = (),
    ) -> None:
        """Read what is not known of these: a statement for each kind at most."""
        if missing := set(tenants) - self.tenants.keys():
            tenant_ids, self.recent_tenants = (
                missing | self.recent_tenants,
                set(),
            )  # all at once, not some at each claim
            self.tenants |= {
                tenant.pk: tenant for tenant in TENANTS_BY_ID.fetch_models(ids=list(tenant_ids))
            }
        if missing := set(routes) - self.routes.keys():
            self.routes |= Route.unscoped.in_bulk(missing)
            mappings = {route.mapping_id for route in self.routes.values()} - self.versions.keys()
            newest = MappingVersion.unscoped.filter(mapping_id__in=mappings).order_by("number")
            self.versions |= {version.mapping_id: version for version in newest}
        if unknown_connectors := set(connectors) - self.apps.keys():
            self.apps |= dict.fromkeys(unknown_connectors)
            self.apps |= {
                app.connector_key: app
                for app in ConnectorApp.objects.filter(connector_key__in=unknown_connectors)
            }

    def mapping_for(self, version: MappingVersion, action: Action) -> CompiledMapping:
        """An empty mapping stands for the action's own."""
        key = (version.pk, action.key)
        if key not in self.mappings:
            self.mappings[key] = compiled_mapping(dump_json(version.body or action.default))
        return self.mappings[key]
