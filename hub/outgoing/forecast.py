"""What an operation would do, before it does it: how many, how old, where, how long, and what might arrive twice."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from connectors.base import Action
from connectors.registry import CONNECTORS
from connectors.wire import Budget, Quota, Rate, Scope
from hub.connections.models import Connection, Lane
from hub.connections.unseal import key_of
from hub.outgoing.explain import readable_deliveries, shown
from hub.outgoing.models import Delivery
from hub.throttle.models import Scope as ScopeRow
from hub.throttle.pace import Standing, interval, left
from hub.throttle.reserve import standing_of

COUNTED = 100_000  # beyond that it is "more than"
NAMED, SAMPLED = 10, 5
ANSWER = 0.2  # seconds that a call takes, where nothing is known
SENDS = {"retry", "send_again"}


@dataclass(frozen=True, slots=True)
class Forecast:
    count: int
    more: bool
    cursor: int  # before the first row
    last: int
    facts: dict[str, Any]  # JSON: what a person reads before confirming


@dataclass(frozen=True, slots=True)
class Group:
    """Deliveries by the same action on the same connection."""

    connection: Connection | None
    action: Action | None
    rows: int
    unsure: int

    @property
    def calls(self) -> int:
        return math.ceil(self.rows / self.action.batch) if self.action else self.rows

    @property
    def idempotent(self) -> bool:
        return self.action is not None and self.action.idempotent


def forecast(kind: str, rows: QuerySet[Delivery], *, now: datetime, most: int = COUNTED) -> Forecast:
    """Counts no further than `most`: a plan is made in a moment at any size."""
    first = rows.order_by("pk").values("pk")[: most + 1]
    found = Delivery.unscoped.filter(pk__in=first).order_by()
    counted = list(
        found.values("connection", "route__connector", "route__action", "tenant__reference").annotate(
            rows=Count("pk"), oldest=Min("accepted_at"), unsures=Count("pk", filter=Q(unsure=True)),
            first=Min("pk"), last=Max("pk"),
        )
    )  # fmt: skip
    count = sum(row["rows"] for row in counted)
    groups = grouped(counted)
    facts = {
        "oldest": min((row["oldest"].isoformat() for row in counted), default=None),
        "tenants": len({row["tenant__reference"] for row in counted}),
        "connections": told(groups),
        "other_connections": max(0, len(groups) - NAMED),
        "seconds": lasts(groups, now=now) if kind in SENDS else 0,
        "unsure": sum(row["unsures"] for row in counted),
        "doubles": doubles(kind, groups),
        "sample": sample(rows),
    }
    more = count > most
    last = Delivery.unscoped.aggregate(last=Max("pk"))["last"] if more else max((r["last"] for r in counted), default=0)
    return Forecast(min(count, most), more, min((r["first"] for r in counted), default=1) - 1, last, facts)


def grouped(counted: Iterable[Mapping[str, Any]]) -> list[Group]:
    """The largest first."""
    sums: dict[tuple[int | None, str, str], list[int]] = {}
    for row in counted:
        total = sums.setdefault((row["connection"], row["route__connector"], row["route__action"]), [0, 0])
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


def told(groups: Iterable[Group]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(group.connection.public_id) if group.connection else None,
            "name": group.connection.name if group.connection else "not connected",
            "connector": group.connection.connector if group.connection else "",
            "tenant": group.connection.tenant.reference if group.connection and group.connection.tenant else None,
            "held": lane_of(group).held,
            "rows": group.rows,
        }
        for group in list(groups)[:NAMED]
    ]


def lane_of(group: Group) -> Lane:
    return getattr(group.connection, "lane", None) or Lane()


def doubles(kind: str, groups: Iterable[Group]) -> int:
    """Rows that may be seen twice there: of systems that cannot be told the id, what may have arrived before."""
    if kind not in SENDS:
        return 0
    return sum(group.rows if kind == "send_again" else group.unsure for group in groups if not group.idempotent)


def sample(rows: QuerySet[Delivery]) -> list[dict[str, Any]]:
    """The oldest few."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:SAMPLED])
    return [
        {
            "id": str(row.public_id),
            "event_type": row.event.type,
            "tenant": row.tenant.reference,
            "state": shown(row).state,
            "reason": shown(row).reason,
        }
        for row in readable_deliveries().filter(pk__in=ids).order_by("pk")
    ]


# --- how long --------------------------------------------------------------------------------------------------------


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
    for stated, quota in CONNECTORS[group.connection.connector].quotas.items():
        kind, _, name = stated.partition(":")
        yield key_of(group.connection, Scope(kind, name)), quota, name  # type: ignore[arg-type]


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
