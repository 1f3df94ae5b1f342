"""The backlog of one connection: count, age, and the estimated time to send it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from hub.connections.models import Connection
from hub.connections.status.drain_estimate import estimate_drain_seconds, group_deliveries

COUNT_LIMIT = 10_000  # a larger count is shown as "more than"
RATE_PERIOD = timedelta(minutes=5)  # over which the delivery rate is measured
DELIVERIES_SEARCHED = 2_000  # of the tenant's newest deliveries


@dataclass(frozen=True, slots=True)
class Backlog:
    count: int
    more: bool
    oldest: datetime | None
    seconds: int  # until all is sent at the allowed rate, once it is not held
    per_minute: int  # delivered in the last RATE_PERIOD
    on_hold: bool  # whether all of it is held


def measure_backlog(connection: Connection, *, now: datetime) -> Backlog:
    """Measure the backlog in two bounded queries, and two more if deliveries wait."""
    first = connection.deliveries.filter(state="waiting").order_by("due_at").values("pk")
    deliveries = connection.deliveries.filter(pk__in=first[: COUNT_LIMIT + 1]).order_by()
    counted = list(
        deliveries.values("connection", "route__connector_key", "route__action").annotate(
            rows=Count("pk"),
            oldest=Min("accepted_at"),
            possible_duplicates=Count("pk", filter=Q(possibly_delivered=True)),
        )
    )
    count = sum(counts["rows"] for counts in counted)
    return Backlog(
        count=min(count, COUNT_LIMIT),
        more=count > COUNT_LIMIT,
        oldest=min((counts["oldest"] for counts in counted), default=None),
        seconds=estimate_drain_seconds(group_deliveries(counted), now=now) if counted else 0,
        per_minute=_measure_delivery_rate(connection, now=now),
        on_hold=_is_backlog_on_hold(connection),
    )


def _is_backlog_on_hold(connection: Connection) -> bool:
    """Whether a held lane, a kill switch or a suspended tenant holds the backlog."""
    lane = getattr(connection, "lane", None)
    suspended = connection.tenant is not None and connection.tenant.suspended
    return suspended or (lane is not None and bool(lane.hold_reason or lane.switched_off_by))


def _measure_delivery_rate(connection: Connection, *, now: datetime) -> int:
    if connection.tenant is None:
        return 0  # no index finds the newest deliveries of a connection without a tenant
    newest = connection.tenant.deliveries.order_by("-pk").values("pk")[:DELIVERIES_SEARCHED]
    delivered = connection.deliveries.filter(
        pk__in=newest, state="delivered", state_changed_at__gt=now - RATE_PERIOD
    )
    return round(delivered.count() / (RATE_PERIOD.total_seconds() / 60))
