"""The quota of a row: its connector's, or a rate of the hub's settings."""

from typing import cast

from django.conf import settings

from connectors import http
from connectors.registry import CONNECTORS
from hub.throttle.models import QuotaState

TENANT_KIND = "tenant"  # rows that count a tenant's share of a quota of our own app
TENANT_SHARE = 0.75
# kinds of scopes that the hub limits for every connector, and the settings with their rates
HUB_RATE_SETTINGS = {"host": "HUB_HOST_RATE", "address": "HUB_ADDRESS_RATE"}


def hub_quota(kind: str) -> http.Rate | None:
    """Return the hub's rate for a kind of scope: per host, or our own address; None if not set."""
    name = HUB_RATE_SETTINGS.get(kind)
    rate = getattr(settings, name) if name else None
    return http.Rate(*rate) if rate else None


def tenant_share(quota: http.Quota | None) -> http.Rate | None:
    """Return the part of a shared rate that one tenant may use; None for other quotas."""
    if not isinstance(quota, http.Rate):
        return None
    limit = max(1, int(quota.limit * TENANT_SHARE))
    return http.Rate(limit, quota.per_seconds, background_share=quota.background_share)


def find_quota_name(connector_key: str, kind: str, name: str) -> str:
    """Return the name under which a scope's quota is defined.

    This is `kind:name` or `kind` of its connector, or the kind of a rate of the hub.
    """
    connector = CONNECTORS.get(connector_key)
    kind = "app" if kind == TENANT_KIND else kind
    full_name = f"{kind}:{name}"
    return full_name if connector and full_name in connector.quotas else kind


def quota_definition(quota_state: QuotaState) -> http.Quota | None:
    """Return the quota of a row; None if its scope is not limited."""
    if not quota_state.connector_key:
        return hub_quota(quota_state.kind)
    connector = CONNECTORS.get(quota_state.connector_key)
    if connector and quota_state.kind == TENANT_KIND:
        return tenant_share(connector.quota(http.Scope("app", quota_state.name)))
    return connector.quota(_connector_scope(quota_state)) if connector else None


def _connector_scope(quota_state: QuotaState) -> http.Scope:
    kind = cast(http.ScopeKind, quota_state.kind)  # stored from a Scope
    return http.Scope(kind, quota_state.name)
