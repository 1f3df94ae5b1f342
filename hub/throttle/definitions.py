"""Which quota a row is of: the connector's statement, or what the hub keeps to by itself whatever is stated."""

from django.conf import settings

from connectors import http
from connectors.registry import CONNECTORS
from hub.throttle.models import QuotaState

TENANT_KIND = "tenant"  # the kind of the rows that count a tenant's share of our own app's quotas
TENANT_SHARE = 0.75
HUB_RATE_SETTINGS = {
    "host": "HUB_HOST_RATE",
    "address": "HUB_ADDRESS_RATE",
}  # kinds of scopes, and the settings with their rates


def hub_quota(kind: str) -> http.Rate | None:
    """Of the hub over all connectors: per host, and of our own address; None where no setting says so."""
    name = HUB_RATE_SETTINGS.get(kind)
    rate = getattr(settings, name) if name else None
    return http.Rate(*rate) if rate else None


def tenant_share(quota: http.Quota | None) -> http.Rate | None:
    """What one tenant may use of a rate that all tenants share; None where there is nothing to share."""
    return (
        http.Rate(max(1, int(quota.limit * TENANT_SHARE)), quota.per)
        if isinstance(quota, http.Rate)
        else None
    )


def quota_definition(quota_state: QuotaState) -> http.Quota | None:
    if not quota_state.connector_key:
        return hub_quota(quota_state.kind)
    connector = CONNECTORS.get(quota_state.connector_key)
    if connector and quota_state.kind == TENANT_KIND:
        return tenant_share(connector.quota(http.Scope("app", quota_state.name)))
    return connector.quota(_connector_scope(quota_state)) if connector else None


def _connector_scope(quota_state: QuotaState) -> http.Scope:
    return http.Scope(quota_state.kind, quota_state.name)  # type: ignore[arg-type]
