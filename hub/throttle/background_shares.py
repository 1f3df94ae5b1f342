"""The share of each quota that background work may use: the connector's, or staff's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.http import DEFAULT_BACKGROUND_SHARE, Quota
from hub.db.prepared import PreparedQuery
from hub.throttle.definitions import find_quota_name
from hub.throttle.demand import Demand
from hub.throttle.models import BackgroundShare, QuotaState

STAFF_SHARES = PreparedQuery(
    lambda: BackgroundShare.objects.values_list("connector_key", "quota_name", "percent")
)


def load_staff_shares() -> dict[tuple[str, str], float]:
    """Return staff's shares by connector and name of the quota."""
    return {(key, name): percent / 100 for key, name, percent in STAFF_SHARES.fetch_rows()}


def find_background_share(
    scope_key: str, quota: Quota | None, staff_shares: Mapping[tuple[str, str], float]
) -> float:
    """Return the part of a scope's quota that background work may use, from 0 to 1."""
    connector_key, kind, _, name = (scope_key.split("|", 3) + ["", "", ""])[:4]
    default = quota.background_share if quota else DEFAULT_BACKGROUND_SHARE
    return staff_shares.get((connector_key, find_quota_name(connector_key, kind, name)), default)


def change_background_share(quota_state: QuotaState, percent: int | None) -> None:
    """Store staff's own share of all quotas defined as this row; None: the connector's."""
    definition: dict[str, Any] = {**build_definition_columns(quota_state)}
    if percent is None:
        BackgroundShare.objects.filter(**definition).delete()
    else:
        BackgroundShare.objects.update_or_create(defaults={"percent": percent}, **definition)


def build_definition_columns(quota_state: QuotaState) -> dict[str, str]:
    """Return the columns of BackgroundShare that identify the definition of this row's quota."""
    name = find_quota_name(quota_state.connector_key, quota_state.kind, quota_state.name)
    return {"connector_key": quota_state.connector_key, "quota_name": name}


def find_live_shares(demands: Sequence[Demand]) -> dict[str, float]:
    """Return by scope key the part that calls of low priority leave free for live work.

    Queries the database only if one of the demands has low priority.
    """
    scopes = [scope for demand in demands if demand.low_priority for scope in demand.scopes]
    if not scopes:
        return {}
    staff_shares = load_staff_shares()
    return {
        scope.key: round(1 - find_background_share(scope.key, scope.quota, staff_shares), 4)
        for scope in scopes
    }
