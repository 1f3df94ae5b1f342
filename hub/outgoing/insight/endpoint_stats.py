"""How connections did in the last 24 hours: calls, failures, how long answers take, hour by hour."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.outgoing.insight.search import smallest_id_at
from hub.outgoing.models import Attempt, Delivery
from tenants.models import Tenant

HOUR, HOURS = timedelta(hours=1), 24
DELIVERIES_SCANNED, DELIVERIES_COUNTED = (
    10_000,
    2_000,
)  # deliveries of the tenant that are looked at, and of them, counted
SUCCESS_OUTCOMES = {"delivered", "pending"}


@dataclass(slots=True)
class EndpointStats:
    succeeded: list[int] = field(default_factory=lambda: [0] * HOURS)  # by hour, the oldest first
    failed: list[int] = field(default_factory=lambda: [0] * HOURS)
    durations_ms: list[int] = field(default_factory=list)  # milliseconds

    @property
    def calls(self) -> int:
        return sum(self.succeeded) + sum(self.failed)

    def list_hours(self, *, now: datetime) -> list[tuple[datetime, tuple[int, int]]]:
        """When each hour began, what came through in it and what failed."""
        start = now - HOURS * HOUR
        return [
            (start + hour * HOUR, counts)
            for hour, counts in enumerate(zip(self.succeeded, self.failed, strict=True))
        ]

    @property
    def calls_last_hour(self) -> int:
        """In the last hour."""
        return self.succeeded[-1] + self.failed[-1]

    @property
    def failure_percent(self) -> int | None:
        return round(100 * sum(self.failed) / self.calls) if self.calls else None

    @property
    def p95(self) -> int | None:
        """Milliseconds that 95 of 100 answers took at most."""
        return (
            sorted(self.durations_ms)[int(0.95 * (len(self.durations_ms) - 1))]
            if self.durations_ms
            else None
        )


def compute_endpoint_stats(
    tenant: Tenant, connections: Collection[int], *, now: datetime
) -> dict[int, EndpointStats]:
    """By connection, in one statement. Counted are the newest deliveries, so a day of very many is told by its end."""
    newest = Delivery.objects.of(tenant).order_by("-pk").values("pk")[:DELIVERIES_SCANNED]
    start = now - HOURS * HOUR
    recent_deliveries = Delivery.unscoped.filter(
        pk__in=newest, connection__in=connections, public_id__gte=smallest_id_at(start)
    )
    attempts = Attempt.unscoped.filter(
        delivery__in=recent_deliveries.order_by("-pk").values("pk")[:DELIVERIES_COUNTED],
        started_at__gt=start,
    )
    stats_by_connection: dict[int, EndpointStats] = defaultdict(EndpointStats)
    attempt_rows = attempts.order_by().values_list(
        "delivery__connection", "started_at", "milliseconds", "outcome"
    )
    for connection, started_at, milliseconds, outcome in attempt_rows:
        hour = min(HOURS - 1, max(0, int((started_at - start) / HOUR)))
        stats = stats_by_connection[connection]
        (stats.succeeded if outcome in SUCCESS_OUTCOMES else stats.failed)[hour] += 1
        if milliseconds is not None:
            stats.durations_ms.append(milliseconds)
    return stats_by_connection
