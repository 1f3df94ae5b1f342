"""How often webhooks are checked, looked after and proved, within a share of each daily quota."""

import math
from dataclasses import dataclass
from datetime import timedelta

from connectors.http import Budget, Scope
from connectors.webhook_sources import WatchCosts
from hub.connections.models import DISCONNECTED, Connection
from hub.connections.quotas.scopes import build_scope_key
from hub.incoming.models import InboundSource, WebhookSubscription
from hub.throttle.limits import QuotaSnapshot, effective_limit
from hub.throttle.models import QuotaState
from hub.throttle.quota_rows import build_snapshot

DAY_SECONDS = timedelta(days=1).total_seconds()
# of a daily budget; all together 2 %. Repairs, and checks that people request, are not in it
CHECK_SHARE, LOOK_SHARE, CANARY_SHARE = 0.008, 0.008, 0.004


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """What the budget of an account allows one of its connections; 0 and infinite: anything."""

    check_every: float = 0.0  # seconds between two checks
    detail_every: float = 0.0  # seconds between two reads of all details of one registration
    looks_per_day: float = math.inf  # of one source
    canary_every: float = 0.0  # seconds between two canaries of one source


@dataclass(frozen=True, slots=True)
class Watched:
    """What shares the budget of one account."""

    connections: int = 1
    registrations: int = 0
    sources: int = 1


def plan_watch(daily_limit: float, costs: WatchCosts, watched: Watched) -> WatchPlan:
    """Plan the watch of an account within its shares of a daily budget of this many units. Pure.

    Details are read once a day, more seldom where that would take more than half of the checks'
    share.
    """
    check_units = daily_limit * CHECK_SHARE
    detail_units = min(float(costs.detail * watched.registrations), check_units / 2)
    detail_every = DAY_SECONDS * costs.detail * watched.registrations / (detail_units or 1)
    list_units = check_units - detail_units
    looks = costs.look * watched.sources
    return WatchPlan(
        check_every=DAY_SECONDS * costs.check * watched.connections / list_units,
        detail_every=detail_every,
        looks_per_day=daily_limit * LOOK_SHARE / looks if looks else math.inf,
        canary_every=DAY_SECONDS * costs.canary * watched.sources / (daily_limit * CANARY_SHARE),
    )


def load_watch_plan(connection: Connection) -> WatchPlan:
    """Plan the watch of a connection by the strictest of its account's daily budgets.

    The limit is the one in effect: what the system reported, or staff's.
    """
    subscriptions = connection.connector.subscriptions
    if subscriptions is None or not subscriptions.watch_costs:
        return WatchPlan()
    watched = _count_watched(connection)
    plans = [
        plan_watch(limit, costs, watched)
        for scope, costs in subscriptions.watch_costs.items()
        if (limit := _find_daily_limit(connection, scope))
    ]
    if not plans:
        return WatchPlan()
    return WatchPlan(
        check_every=max(plan.check_every for plan in plans),
        detail_every=max(plan.detail_every for plan in plans),
        looks_per_day=min(plan.looks_per_day for plan in plans),
        canary_every=max(plan.canary_every for plan in plans),
    )


def _find_daily_limit(connection: Connection, scope: Scope) -> float:
    """Return the units of a budget for a day; 0: the scope has none."""
    quota = connection.connector.quota(scope)
    if not isinstance(quota, Budget):
        return 0.0
    row = QuotaState.objects.filter(key=build_scope_key(connection, scope)).first()
    snapshot = build_snapshot(row) if row else QuotaSnapshot()
    return effective_limit(quota, snapshot) * DAY_SECONDS / quota.per_seconds


def _count_watched(connection: Connection) -> Watched:
    """Count what shares the account's budget: its connections, registrations and sources."""
    connections = Connection.unscoped.filter(
        connector_key=connection.connector_key, account=connection.account
    ).exclude(state="disabled", reason=DISCONNECTED)
    ids = list(connections.values_list("pk", flat=True))
    registrations = WebhookSubscription.unscoped.filter(
        endpoint__connection__in=ids, is_wanted=True
    )
    sources = InboundSource.unscoped.filter(connection__in=ids, retired_at=None)
    return Watched(max(1, len(ids)), registrations.count(), max(1, sources.count()))
