"""Statistics of connections over 24 hours: calls, failures and durations by hour."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.db.ids import smallest_id_at
from hub.outgoing.models import Attempt, Delivery
from tenants.models import Tenant

HOUR, HOURS = timedelta(hours=1), 24
DELIVERIES_SCANNED = 10_000  # newest deliveries of the tenant
DELIVERIES_COUNTED = 2_000  # of them
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
        """Return the start of each hour, with its successes and failures."""
        start = now - HOURS * HOUR
        return [
            (start + hour * HOUR, counts)
            for hour, counts in enumerate(zip(self.succeeded, self.failed, strict=True))
        ]

    @property
    def calls_last_hour(self) -> int:
        return self.succeeded[-1] + self.failed[-1]

    @property
    def failure_percent(self) -> int | None:
        return round(100 * sum(self.failed) / self.calls) if self.calls else None

    @property
    def p95(self) -> int | None:
        """The 95th percentile of durations, in milliseconds."""
        return (
            sorted(self.durations_ms)[int(0.95 * (len(self.durations_ms) - 1))]
            if self.durations_ms
            else None
        )


def compute_endpoint_stats(
    tenant: Tenant, connections: Collection[int], *, now: datetime
) -> dict[int, EndpointStats]:
    """Compute the statistics by connection, in one statement, of the newest deliveries only."""
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
