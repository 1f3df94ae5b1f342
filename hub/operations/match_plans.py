"""Plan an operation on all rows of a table that match a filter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet

from hub.audit import ActorContext
from hub.operations.models import Operation
from hub.operations.operation_actions import store_plan
from tenants.models import Tenant

SAMPLE_SIZE, CONNECTIONS_LISTED_MAX = 5, 10


@dataclass(frozen=True, slots=True)
class MatchedRows:
    """The rows that match, which have a connection and a tenant, and how a plan describes them."""

    rows: QuerySet[Any]
    count_limit: int  # the plan counts no further
    time_column: str  # when a row was made
    connector_column: str
    sample_name: str  # of the sample among the facts of the plan
    describe_row: Callable[[Any], dict[str, str]]  # for the sample
    sample_size: int = SAMPLE_SIZE


def store_match_plan(
    matched: MatchedRows,
    actor: ActorContext,
    *,
    kind: str,
    filter: Mapping[str, Any],
    tenant: Tenant | None,
    reason: str,
    now: datetime,
) -> Operation:
    """Store a plan to work on the rows, which `confirm_operation` starts, and audit it."""
    limit = matched.count_limit
    counted = matched.rows.order_by("pk").values("pk")[: limit + 1]
    totals = matched.rows.model.unscoped.filter(pk__in=counted).aggregate(
        count=Count("pk"), first=Min("pk"), last=Max("pk"), oldest=Min(matched.time_column)
    )
    return store_plan(
        actor,
        kind=kind,
        filter=dict(filter),
        includes_platform=actor.is_unrestricted,
        tenant=tenant,
        reason=reason,
        plan=_describe_plan(matched, totals["oldest"]),
        count=min(totals["count"], limit),
        more=totals["count"] > limit,
        cursor=(totals["first"] or 1) - 1,
        last=totals["last"] or 0,
        now=now,
    )


def _describe_plan(matched: MatchedRows, oldest: datetime | None) -> dict[str, Any]:
    """Return the facts that a person reads before confirming."""
    connections = _count_by_connection(matched)
    return {
        "oldest": oldest.isoformat() if oldest else None,
        "tenants": len({group["tenant"] for group in connections}),
        "connections": connections[:CONNECTIONS_LISTED_MAX],
        "other_connections": max(0, len(connections) - CONNECTIONS_LISTED_MAX),
        matched.sample_name: [
            matched.describe_row(row) for row in matched.rows.order_by("pk")[: matched.sample_size]
        ],
    }


def _count_by_connection(matched: MatchedRows) -> list[dict[str, Any]]:
    """Count the rows of each connection, the most first; one connection more than is listed."""
    connector = matched.connector_column
    groups = (
        matched.rows.order_by()
        .values("connection__public_id", "connection__name", connector, "tenant__reference")
        .annotate(rows=Count("pk"))
        .order_by("-rows")
    )[: CONNECTIONS_LISTED_MAX + 1]
    return [
        {
            "id": str(group["connection__public_id"]) if group["connection__public_id"] else None,
            "name": group["connection__name"] or "not connected",
            "connector": group[connector],
            "tenant": group["tenant__reference"],
            "held": "",
            "rows": group["rows"],
        }
        for group in groups
    ]
