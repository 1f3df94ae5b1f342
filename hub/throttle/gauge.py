"""How full a quota is, for people. Pure."""

from dataclasses import dataclass
from datetime import datetime

from connectors.wire import Budget, InFlight, Quota, Rate
from hub.throttle.pace import Standing, left, open_at


@dataclass(frozen=True, slots=True)
class Gauge:
    """`used` of `allowed`; `free_at` is when the next call may go, and None when it may go now."""

    label: str
    used: int
    allowed: int | None
    free_at: datetime | None
    paused_until: datetime | None

    @property
    def share(self) -> int:
        return min(100, round(100 * self.used / self.allowed)) if self.allowed else 0


def gauge(quota: Quota | None, standing: Standing, *, now: datetime) -> Gauge:
    free_at = standing.paused_until if quota is None else open_at(quota, standing, now)
    used, allowed, label = told(quota, standing, now)
    paused = standing.paused_until if standing.paused_until and standing.paused_until > now else None
    return Gauge(label, used, allowed, free_at if free_at and free_at > now else None, paused)


def told(quota: Quota | None, standing: Standing, now: datetime) -> tuple[int, int | None, str]:
    if isinstance(quota, Rate):
        limit = standing.limit or quota.limit
        booked = max(0.0, (standing.free_at - now).total_seconds()) if standing.free_at else 0.0
        return min(limit, round(limit * booked / quota.per)), limit, f"{limit:,} calls in {span(quota.per)}"
    if isinstance(quota, Budget):
        allowed = standing.limit or standing.allowed or quota.limit
        return max(0, allowed - left(quota, standing, now)), allowed, f"{allowed:,} calls in {span(quota.per)}"
    if isinstance(quota, InFlight):
        return 0, standing.limit or quota.limit, f"{standing.limit or quota.limit} calls at the same time"
    return 0, None, "not limited"


def span(seconds: float) -> str:
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            many = round(seconds / size)
            return f"a {unit}".replace("a hour", "an hour") if many == 1 else f"{many} {unit}s"
    return f"{seconds:g} seconds"
