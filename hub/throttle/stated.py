"""Which quota a row is of: the connector's statement, or what the hub keeps to by itself whatever is stated."""

from django.conf import settings

from connectors import wire
from connectors.registry import CONNECTORS
from hub.throttle.models import QuotaState

TENANT = "tenant"  # the kind of the rows that count a tenant's share of our own app's quotas
TENANT_SHARE = 0.75
OWN = {"host": "HUB_HOST_RATE", "address": "HUB_ADDRESS_RATE"}  # kinds of scopes, and the settings with their rates


def own_quota(kind: str) -> wire.Rate | None:
    """Of the hub over all connectors: per host, and of our own address; None where no setting says so."""
    name = OWN.get(kind)
    rate = getattr(settings, name) if name else None
    return wire.Rate(*rate) if rate else None


def tenant_share(quota: wire.Quota | None) -> wire.Rate | None:
    """What one tenant may use of a rate that all tenants share; None where there is nothing to share."""
    return wire.Rate(max(1, int(quota.limit * TENANT_SHARE)), quota.per) if isinstance(quota, wire.Rate) else None


def quota_of(scope: QuotaState) -> wire.Quota | None:
    if not scope.connector_key:
        return own_quota(scope.kind)
    connector = CONNECTORS.get(scope.connector_key)
    if connector and scope.kind == TENANT:
        return tenant_share(connector.quota(wire.Scope("app", scope.name)))
    return connector.quota(wire_scope(scope)) if connector else None


def wire_scope(scope: QuotaState) -> wire.Scope:
    return wire.Scope(scope.kind, scope.name)  # type: ignore[arg-type]
