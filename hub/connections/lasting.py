"""How long it takes to send what waits for connections, as their quotas have it."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Action
from connectors.registry import CONNECTORS
from connectors.wire import Budget, Quota, Rate, Scope
from hub.connections.models import Connection, Lane
from hub.connections.unseal import key_of
from hub.throttle.models import QuotaState as ScopeRow
from hub.throttle.pace import Standing, interval, left
from hub.throttle.reserve import standing_of

ANSWER = 0.2  # seconds that a call takes, where nothing is known


@dataclass(frozen=True, slots=True)
class Group:
    """Deliveries by the same action on the same connection."""

    connection: Connection | None
    action: Action | None
    rows: int
    possibly_delivered: int

    @property
    def calls(self) -> int:
        return math.ceil(self.rows / self.action.batch) if self.action else self.rows

    @property
    def idempotent(self) -> bool:
        return self.action is not None and self.action.idempotent


def grouped(counted: Iterable[Mapping[str, Any]]) -> list[Group]:
    """The largest first."""
    sums: dict[tuple[int | None, str, str], list[int]] = {}
    for row in counted:
        total = sums.setdefault((row["connection"], row["route__connector_key"], row["route__action"]), [0, 0])
        total[0] += row["rows"]
        total[1] += row["unsures"]
    connections = Connection.unscoped.select_related("tenant", "lane").in_bulk({pk for pk, _, _ in sums if pk})
    groups = [
        Group(connections.get(pk), action_of(connector, action), *total)
        for (pk, connector, action), total in sums.items()
    ]
    return sorted(groups, key=lambda group: -group.rows)


def action_of(connector: str, action: str) -> Action | None:
    try:
        return CONNECTORS[connector].action(action)
    except LookupError:
        return None


def lane_of(group: Group) -> Lane:
    return getattr(group.connection, "lane", None) or Lane()


def lasts(groups: Iterable[Group], *, now: datetime) -> int:
    """Seconds at most, as the slowest of the quotas has it; where the quotas leave it open, by calls in flight."""
    calls: dict[str, int] = {}
    quotas: dict[str, tuple[Quota, str]] = {}
    slowest = timedelta()
    for group in groups:
        slowest = max(slowest, timedelta(seconds=ANSWER * group.calls / max(1, lane_of(group).in_flight)))
        for key, quota, name in spendable(group):
            calls[key] = calls.get(key, 0) + group.calls
            quotas[key] = (quota, name)
    known = {row.key: standing_of(row) for row in ScopeRow.objects.filter(key__in=calls)}
    for key, (quota, name) in quotas.items():
        if key in known or not name:  # of a named quota: only where this connection has spent it before
            slowest = max(slowest, length(quota, known.get(key, Standing()), calls[key], now))
    return math.ceil(slowest.total_seconds())


def spendable(group: Group) -> Iterator[tuple[str, Quota, str]]:
    """The scopes whose quotas a call of this connection may spend: key, quota, name."""
    if group.connection is None:
        return
    connector = CONNECTORS[group.connection.connector_key]
    for stated, quota in connector.quotas.items():
        kind, _, name = stated.partition(":")
        yield key_of(group.connection, Scope(kind, name)), quota, name  # type: ignore[arg-type]
    for scope in connector.own_limits(group.connection.settings):
        if limit := connector.quota(scope):
            yield key_of(group.connection, scope), limit, ""


def length(quota: Quota, standing: Standing, calls: int, now: datetime) -> timedelta:
    """How long so many calls take under one quota, from now on."""
    pause = max(timedelta(), (standing.paused_until or now) - now)
    if isinstance(quota, Rate):
        return pause + interval(standing.limit or quota.limit, quota.per) * calls
    if isinstance(quota, Budget):
        beyond = calls - max(0, left(quota, standing, now))
        windows = math.ceil(beyond / (standing.limit or standing.allowed or quota.limit)) if beyond > 0 else 0
        first = max(timedelta(), (standing.window_ends or now) - now) if windows else timedelta()
        return pause + first + timedelta(seconds=quota.per) * max(0, windows - 1)
    return pause
