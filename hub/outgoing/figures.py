"""How connections did in the last 24 hours: calls, failures, how long answers take, hour by hour."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.outgoing.models import Attempt, Delivery
from hub.outgoing.search import floor_of
from tenants.models import Tenant

HOUR, HOURS = timedelta(hours=1), 24
LOOKED, COUNTED = 10_000, 2_000  # deliveries of the tenant that are looked at, and of them, counted
ARRIVED = {"delivered", "pending"}


@dataclass(slots=True)
class Figures:
    well: list[int] = field(default_factory=lambda: [0] * HOURS)  # by hour, the oldest first
    failed: list[int] = field(default_factory=lambda: [0] * HOURS)
    times: list[int] = field(default_factory=list)  # milliseconds

    @property
    def calls(self) -> int:
        return sum(self.well) + sum(self.failed)

    def by_hour(self, *, now: datetime) -> list[tuple[datetime, tuple[int, int]]]:
        """When each hour began, what came through in it and what failed."""
        start = now - HOURS * HOUR
        return [(start + hour * HOUR, counts) for hour, counts in enumerate(zip(self.well, self.failed, strict=True))]

    @property
    def an_hour(self) -> int:
        """In the last hour."""
        return self.well[-1] + self.failed[-1]

    @property
    def failure_percent(self) -> int | None:
        return round(100 * sum(self.failed) / self.calls) if self.calls else None

    @property
    def p95(self) -> int | None:
        """Milliseconds that 95 of 100 answers took at most."""
        return sorted(self.times)[int(0.95 * (len(self.times) - 1))] if self.times else None


def figures_of(tenant: Tenant, connections: Collection[int], *, now: datetime) -> dict[int, Figures]:
    """By connection, in one statement. Counted are the newest deliveries, so a day of very many is told by its end."""
    newest = Delivery.objects.of(tenant).order_by("-pk").values("pk")[:LOOKED]
    start = now - HOURS * HOUR
    meant = Delivery.unscoped.filter(pk__in=newest, connection__in=connections, public_id__gte=floor_of(start))
    tries = Attempt.unscoped.filter(delivery__in=meant.order_by("-pk").values("pk")[:COUNTED], started_at__gt=start)
    found: dict[int, Figures] = defaultdict(Figures)
    rows = tries.order_by().values_list("delivery__connection", "started_at", "milliseconds", "outcome")
    for connection, at, milliseconds, outcome in rows:
        hour = min(HOURS - 1, max(0, int((at - start) / HOUR)))
        figures = found[connection]
        (figures.well if outcome in ARRIVED else figures.failed)[hour] += 1
        if milliseconds is not None:
            figures.times.append(milliseconds)
    return found
