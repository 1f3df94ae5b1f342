"""How full a quota is, for people. Pure."""

from dataclasses import dataclass
from datetime import datetime

from connectors.wire import Budget, InFlight, Quota, Rate
from hub.throttle.mend import mended, oddity
from hub.throttle.pace import Standing, interval, limit_of, open_at, used_of


@dataclass(frozen=True, slots=True)
class Gauge:
    """`used` of `allowed`; `free_at` is when the next call may go, and None when it may go now."""

    label: str
    used: int
    allowed: int | None
    free_at: datetime | None
    paused_until: datetime | None
    probing: bool = False
    wrong: str = ""  # what stands on the row and cannot be meant

    @property
    def share(self) -> int:
        return min(100, round(100 * self.used / self.allowed)) if self.allowed else 0

    @property
    def left(self) -> int:
        return max(0, (self.allowed or 0) - self.used)


def gauge(quota: Quota | None, standing: Standing, *, now: datetime, in_flight: int = 0) -> Gauge:
    wrong, standing = oddity(quota, standing, now), mended(quota, standing, now)
    free_at = standing.paused_until if quota is None else open_at(quota, standing, now)
    used, allowed, label = told(quota, standing, now, in_flight)
    paused = standing.paused_until if standing.paused_until and standing.paused_until > now else None
    free_at = free_at if free_at and free_at > now else None
    return Gauge(label, used, allowed, free_at, paused, standing.probing, wrong)


def told(quota: Quota | None, standing: Standing, now: datetime, in_flight: int) -> tuple[int, int | None, str]:
    limit = limit_of(quota, standing) if quota else 0
    if isinstance(quota, Rate):
        ahead = max(0.0, (standing.free_at - now) / interval(limit, quota.per)) if standing.free_at else 0.0
        return min(limit, round(ahead)), limit, f"{calls(limit)} in {span(quota.per)}"
    if isinstance(quota, Budget):
        day = f"a day of {quota.midnight}" if quota.midnight else span(quota.per)
        return max(0, used_of(quota, standing, now)), limit, f"{calls(limit)} in {day}"
    if isinstance(quota, InFlight):
        return in_flight, limit, f"{calls(limit)} at the same time"
    return 0, None, "not limited"


def calls(limit: int) -> str:
    return f"{limit:,} call{'' if limit == 1 else 's'}"


def span(seconds: float) -> str:
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            many = round(seconds / size)
            return f"a {unit}".replace("a hour", "an hour") if many == 1 else f"{many} {unit}s"
    return f"{seconds:g} seconds"
