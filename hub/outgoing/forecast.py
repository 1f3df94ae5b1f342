"""What an operation would do, before it does it: how many, how old, where, how long, and what might arrive twice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from hub.connections.lasting import Group, grouped, lane_of, lasts
from hub.outgoing.explain import readable_deliveries, shown
from hub.outgoing.models import Delivery

COUNTED = 100_000  # beyond that it is "more than"
NAMED, SAMPLED = 10, 5
SENDS = {"retry", "send_again"}


@dataclass(frozen=True, slots=True)
class Forecast:
    count: int
    more: bool
    cursor: int  # before the first row
    last: int
    facts: dict[str, Any]  # JSON: what a person reads before confirming


def forecast(kind: str, rows: QuerySet[Delivery], *, now: datetime, most: int = COUNTED) -> Forecast:
    """Counts no further than `most`: a plan is made in a moment at any size."""
    first = rows.order_by("pk").values("pk")[: most + 1]
    found = Delivery.unscoped.filter(pk__in=first).order_by()
    counted = list(
        found.values("connection", "route__connector_key", "route__action", "tenant__reference").annotate(
            rows=Count("pk"), oldest=Min("accepted_at"), unsures=Count("pk", filter=Q(possibly_delivered=True)),
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
        "possibly_delivered": sum(row["unsures"] for row in counted),
        "doubles": doubles(kind, groups),
        "sample": sample(rows),
    }
    more = count > most
    last = Delivery.unscoped.aggregate(last=Max("pk"))["last"] if more else max((r["last"] for r in counted), default=0)
    return Forecast(min(count, most), more, min((r["first"] for r in counted), default=1) - 1, last, facts)


def told(groups: Iterable[Group]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(group.connection.public_id) if group.connection else None,
            "name": str(group.connection) if group.connection else "not connected",
            "connector": group.connection.connector_key if group.connection else "",
            "tenant": group.connection.tenant.reference if group.connection and group.connection.tenant else None,
            "held": lane_of(group).hold_reason,
            "rows": group.rows,
        }
        for group in list(groups)[:NAMED]
    ]


def doubles(kind: str, groups: Iterable[Group]) -> int:
    """Rows that may be seen twice there: of systems that cannot be told the id, what may have arrived before."""
    if kind not in SENDS:
        return 0
    return sum(
        group.rows if kind == "send_again" else group.possibly_delivered for group in groups if not group.idempotent
    )


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
