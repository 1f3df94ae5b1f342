"""Estimate an operation: number, age, connections, duration and possible duplicates."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from hub.connections.status.drain_estimate import (
    DeliveryGroup,
    estimate_drain_seconds,
    find_group_lane,
    group_deliveries,
)
from hub.outgoing.insight.explain import readable_deliveries, resolve_effective_state
from hub.outgoing.models import Delivery

COUNT_LIMIT = 100_000  # the estimate counts no further
CONNECTIONS_LISTED, SAMPLE_SIZE = 10, 5
SENDING_KINDS = {"retry", "send_again"}
GROUP_COLUMNS = ("connection", "route__connector_key", "route__action", "tenant__reference")


@dataclass(frozen=True, slots=True)
class OperationEstimate:
    count: int
    more: bool
    cursor: int  # before the first row
    last: int
    facts: dict[str, Any]  # JSON: what a person reads before confirming


def estimate_operation(
    kind: str, deliveries: QuerySet[Delivery], *, now: datetime, limit: int = COUNT_LIMIT
) -> OperationEstimate:
    """Estimate an operation; counts at most `limit` deliveries, to bound the time."""
    first = deliveries.order_by("pk").values("pk")[: limit + 1]
    counted_deliveries = Delivery.unscoped.filter(pk__in=first).order_by()
    counts = _count_by_action(counted_deliveries)
    count = sum(entry["rows"] for entry in counts)
    groups = group_deliveries(counts)
    facts = {
        "oldest": min((entry["oldest"].isoformat() for entry in counts), default=None),
        "tenants": len({entry["tenant__reference"] for entry in counts}),
        "connections": summarize_connections(groups),
        "other_connections": max(0, len(groups) - CONNECTIONS_LISTED),
        "seconds": estimate_drain_seconds(groups, now=now) if kind in SENDING_KINDS else 0,
        "possibly_delivered": sum(entry["possible_duplicates"] for entry in counts),
        "doubles": count_possible_duplicates(kind, groups),
        "sample": sample_deliveries(deliveries),
    }
    more = count > limit
    last = (
        Delivery.unscoped.aggregate(last=Max("pk"))["last"]
        if more
        else max((entry["last"] for entry in counts), default=0)
    )
    return OperationEstimate(
        min(count, limit),
        more,
        min((entry["first"] for entry in counts), default=1) - 1,
        last,
        facts,
    )


def summarize_connections(groups: Iterable[DeliveryGroup]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(group.connection.public_id) if group.connection else None,
            "name": str(group.connection) if group.connection else "not connected",
            "connector": group.connection.connector_key if group.connection else "",
            "tenant": group.connection.tenant.reference
            if group.connection and group.connection.tenant
            else None,
            "held": find_group_lane(group).hold_reason,
            "rows": group.rows,
        }
        for group in list(groups)[:CONNECTIONS_LISTED]
    ]


def _count_by_action(deliveries: QuerySet[Delivery]) -> list[dict[str, Any]]:
    """Count the deliveries by connection, action and tenant; one statement."""
    return list(
        deliveries.values(*GROUP_COLUMNS).annotate(
            rows=Count("pk"),
            oldest=Min("accepted_at"),
            possible_duplicates=Count("pk", filter=Q(possibly_delivered=True)),
            first=Min("pk"),
            last=Max("pk"),
        )
    )


def count_possible_duplicates(kind: str, groups: Iterable[DeliveryGroup]) -> int:
    """Count the deliveries that may arrive twice, of actions that are not idempotent.

    For send_again all of them, for retry those possibly delivered, for other kinds none.
    """
    if kind not in SENDING_KINDS:
        return 0
    return sum(
        group.rows if kind == "send_again" else group.possibly_delivered
        for group in groups
        if not group.is_idempotent
    )


def sample_deliveries(deliveries: QuerySet[Delivery]) -> list[dict[str, Any]]:
    """Describe the oldest deliveries."""
    ids = list(deliveries.order_by("pk").values_list("pk", flat=True)[:SAMPLE_SIZE])
    return [
        {
            "id": str(delivery.public_id),
            "event_type": delivery.event.type,
            "tenant": delivery.tenant.reference,
            "state": resolve_effective_state(delivery).state,
            "reason": resolve_effective_state(delivery).reason,
        }
        for delivery in readable_deliveries().filter(pk__in=ids).order_by("pk")
    ]
