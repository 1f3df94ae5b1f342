"""Usage of a quota, for pages and the API. Pure."""

from dataclasses import dataclass
from datetime import datetime

from connectors.http import Budget, InFlight, Quota, Rate
from hub.throttle.limits import (
    QuotaSnapshot,
    call_interval,
    effective_limit,
    scope_opens_at,
    units_used,
)
from hub.throttle.sanitize import describe_problem, sanitize_snapshot


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """`used` of `limit` units. `free_at`: when the next call may be sent; None: now."""

    label: str
    used: int
    limit: int | None
    free_at: datetime | None
    paused_until: datetime | None
    is_probing: bool = False
    problem: str = ""  # what is wrong with the row, as a sentence

    @property
    def share(self) -> int:
        """Return the used share in percent, 100 at most."""
        return min(100, round(100 * self.used / self.limit)) if self.limit else 0

    @property
    def remaining(self) -> int:
        return max(0, (self.limit or 0) - self.used)


def measure_usage(
    quota: Quota | None, snapshot: QuotaSnapshot, *, now: datetime, in_flight: int = 0
) -> QuotaUsage:
    """Return the usage of a quota; `in_flight`: calls in flight, for quotas that limit them."""
    problem = describe_problem(quota, snapshot, now)
    snapshot = sanitize_snapshot(quota, snapshot, now)
    free_at = snapshot.paused_until if quota is None else scope_opens_at(quota, snapshot, now)
    used, limit, label = _describe_usage(quota, snapshot, now, in_flight)
    is_paused = snapshot.paused_until is not None and snapshot.paused_until > now
    paused_until = snapshot.paused_until if is_paused else None
    free_at = free_at if free_at and free_at > now else None
    return QuotaUsage(label, used, limit, free_at, paused_until, snapshot.is_probing, problem)


def _describe_usage(
    quota: Quota | None, snapshot: QuotaSnapshot, now: datetime, in_flight: int
) -> tuple[int, int | None, str]:
    limit = effective_limit(quota, snapshot) if quota else 0
    if isinstance(quota, Rate):
        booked_calls = 0.0
        if snapshot.free_at:
            booked_calls = max(
                0.0, (snapshot.free_at - now) / call_interval(limit, quota.per_seconds)
            )
        label = f"{_calls_text(limit)} in {_duration_text(quota.per_seconds)}"
        return min(limit, round(booked_calls)), limit, label
    if isinstance(quota, Budget):
        day = (
            f"a day of {quota.midnight_zone}"
            if quota.midnight_zone
            else _duration_text(quota.per_seconds)
        )
        return max(0, units_used(quota, snapshot, now)), limit, f"{_calls_text(limit)} in {day}"
    if isinstance(quota, InFlight):
        return in_flight, limit, f"{_calls_text(limit)} at the same time"
    return 0, None, "not limited"


def _calls_text(limit: int) -> str:
    return f"{limit:,} call{'' if limit == 1 else 's'}"


def _duration_text(seconds: float) -> str:
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = round(seconds / size)
            return f"a {unit}".replace("a hour", "an hour") if count == 1 else f"{count} {unit}s"
    return f"{seconds:g} seconds"
