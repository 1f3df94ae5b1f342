"""Estimate how long sending a backlog takes under the quotas of its connections."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.http import Budget, Quota, Rate
from connectors.registry import CONNECTORS
from connectors.roles import Action
from hub.connections.models import Connection, Lane
from hub.connections.quotas.scopes import build_scope_key, parse_scope
from hub.throttle.limits import QuotaSnapshot, call_interval, units_left
from hub.throttle.models import QuotaState as ScopeRow
from hub.throttle.quota_rows import build_snapshot

ASSUMED_CALL_SECONDS = 0.2  # seconds of a call, if nothing is known


@dataclass(frozen=True, slots=True)
class DeliveryGroup:
    """Deliveries by the same action on the same connection."""

    connection: Connection | None
    action: Action | None
    rows: int
    possibly_delivered: int

    @property
    def calls(self) -> int:
        return math.ceil(self.rows / self.action.batch_size_max) if self.action else self.rows

    @property
    def is_idempotent(self) -> bool:
        return self.action is not None and self.action.is_idempotent


def group_deliveries(counted: Iterable[Mapping[str, Any]]) -> list[DeliveryGroup]:
    """Group counted rows by connection and action, the largest group first."""
    sums: dict[tuple[int | None, str, str], list[int]] = {}
    for counts in counted:
        total = sums.setdefault(
            (counts["connection"], counts["route__connector_key"], counts["route__action"]), [0, 0]
        )
        total[0] += counts["rows"]
        total[1] += counts["possible_duplicates"]
    connections = Connection.unscoped.select_related("tenant", "lane").in_bulk(
        {pk for pk, _, _ in sums if pk}
    )
    groups = [
        DeliveryGroup(connections.get(pk), _find_group_action(connector, action), *total)
        for (pk, connector, action), total in sums.items()
    ]
    return sorted(groups, key=lambda group: -group.rows)


def _find_group_action(connector: str, action: str) -> Action | None:
    try:
        return CONNECTORS[connector].action(action)
    except LookupError:
        return None


def find_group_lane(group: DeliveryGroup) -> Lane:
    return getattr(group.connection, "lane", None) or Lane()


def estimate_drain_seconds(groups: Iterable[DeliveryGroup], *, now: datetime) -> int:
    """Return the seconds that the slowest quota needs; without one, by calls in flight."""
    calls: dict[str, int] = {}
    quotas: dict[str, tuple[Quota, str]] = {}
    slowest = timedelta()
    for group in groups:
        slowest = max(
            slowest,
            timedelta(
                seconds=ASSUMED_CALL_SECONDS
                * group.calls
                / max(1, find_group_lane(group).in_flight)
            ),
        )
        for key, quota, name in _list_spendable_quotas(group):
            calls[key] = calls.get(key, 0) + group.calls
            quotas[key] = (quota, name)
    usage_by_key = {
        quota_state.key: build_snapshot(quota_state)
        for quota_state in ScopeRow.objects.filter(key__in=calls)
    }
    for key, (quota, name) in quotas.items():
        # a named quota counts only if this connection has spent it before
        if key in usage_by_key or not name:
            slowest = max(
                slowest,
                _estimate_quota_duration(
                    quota, usage_by_key.get(key, QuotaSnapshot()), calls[key], now
                ),
            )
    return math.ceil(slowest.total_seconds())


def _list_spendable_quotas(group: DeliveryGroup) -> Iterator[tuple[str, Quota, str]]:
    """Yield key, quota and name of each scope that a call of this connection may spend."""
    if group.connection is None:
        return
    connector = CONNECTORS[group.connection.connector_key]
    for scope_name, quota in connector.quotas.items():
        scope = parse_scope(scope_name)
        yield build_scope_key(group.connection, scope), quota, scope.name
    for scope in connector.connection_limits(group.connection.settings):
        if limit := connector.quota(scope):
            yield build_scope_key(group.connection, scope), limit, ""


def _estimate_quota_duration(
    quota: Quota, usage: QuotaSnapshot, calls: int, now: datetime
) -> timedelta:
    """Return the time that this number of calls takes under one quota."""
    pause = max(timedelta(), (usage.paused_until or now) - now)
    if isinstance(quota, Rate):
        return pause + call_interval(usage.limit or quota.limit, quota.per_seconds) * calls
    if isinstance(quota, Budget):
        beyond = calls - max(0, units_left(quota, usage, now))
        windows = (
            math.ceil(beyond / (usage.limit or usage.reported_limit or quota.limit))
            if beyond > 0
            else 0
        )
        first = max(timedelta(), (usage.window_ends or now) - now) if windows else timedelta()
        return pause + first + timedelta(seconds=quota.per_seconds) * max(0, windows - 1)
    return pause
