"""What deliveries share and what changes seldom: tenants, routes, mappings, apps, as they were a second ago at most."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from connectors.base import Action
from connectors.wire import dumps
from hub.asked import Asked
from hub.connections.models import ConnectorApp
from hub.mappings.models import MappingVersion
from hub.mappings.translate import CompiledMapping, compile_mapping
from hub.outgoing.models import Route
from hub.outgoing.pump.strides import LONG_AGO
from tenants.models import Tenant

OLD = timedelta(seconds=1)
TENANTS = Asked(lambda *, ids: Tenant.objects.filter(id__among=ids))


@lru_cache(maxsize=2048)
def compiled(body: bytes) -> CompiledMapping:
    return compile_mapping(json.loads(body))


@dataclass(slots=True)
class Reading:
    read_at: datetime = LONG_AGO
    tenants: dict[int, Tenant] = field(default_factory=dict)
    routes: dict[int, Route] = field(default_factory=dict)
    versions: dict[int, MappingVersion] = field(default_factory=dict)  # by mapping, the newest
    apps: dict[str, ConnectorApp | None] = field(default_factory=dict)
    mappings: dict[tuple[int, str], CompiledMapping] = field(default_factory=dict)  # by version and action
    again: set[int] = field(default_factory=set)  # tenants that are likely to be asked for soon

    def renew(self, *, now: datetime) -> None:
        """Forget what is old."""
        if abs(now - self.read_at) >= OLD:
            self.read_at = now
            self.again = set(self.tenants)
            for known in (self.tenants, self.routes, self.versions, self.apps, self.mappings):
                known.clear()

    def learn(
        self, *, tenants: Collection[int] = (), routes: Collection[int] = (), connectors: Collection[str] = ()
    ) -> None:
        """Read what is not known of these: a statement for each kind at most."""
        if missing := set(tenants) - self.tenants.keys():
            wanted, self.again = missing | self.again, set()  # all at once, not some at each claim
            self.tenants |= {tenant.pk: tenant for tenant in TENANTS.models(ids=list(wanted))}
        if missing := set(routes) - self.routes.keys():
            self.routes |= Route.unscoped.in_bulk(missing)
            mappings = {route.mapping_id for route in self.routes.values()} - self.versions.keys()
            newest = MappingVersion.unscoped.filter(mapping_id__in=mappings).order_by("number")
            self.versions |= {version.mapping_id: version for version in newest}
        if strange := set(connectors) - self.apps.keys():
            self.apps |= dict.fromkeys(strange)
            self.apps |= {app.connector_key: app for app in ConnectorApp.objects.filter(connector_key__in=strange)}

    def mapping(self, version: MappingVersion, action: Action) -> CompiledMapping:
        """An empty mapping stands for the action's own."""
        key = (version.pk, action.key)
        if key not in self.mappings:
            self.mappings[key] = compiled(dumps(version.body or action.default))
        return self.mappings[key]
