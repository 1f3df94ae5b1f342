"""When the next calls may go: the arithmetic of quotas. Pure; the rows are reserve's business."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.wire import Budget, Quota, Rate

MARGIN = 0.1  # seconds added to each window: the way to the other side is not equally long each time
BURST_SHARE = 50  # one call in so many may go at once
BUDGET_LOOK = timedelta(minutes=5)  # a spent budget without a known end is looked at again after this


@dataclass(frozen=True, slots=True)
class Standing:
    """What a scope's row says."""

    free_at: datetime | None = None
    paused_until: datetime | None = None
    probing: bool = False
    used: int = 0
    allowed: int | None = None
    window_ends: datetime | None = None
    limit: int | None = None


def burst(limit: int) -> int:
    return max(1, limit // BURST_SHARE)


def interval(limit: int, per: float) -> timedelta:
    """Between two calls of a rate. With b at once and then one each interval, any window of `per` seconds holds at
    most b + ceil(per / interval) - 1 calls, so this keeps them at `limit`."""
    return timedelta(seconds=(per + MARGIN) / (limit - burst(limit) + 1))


def open_at(quota: Quota, standing: Standing, now: datetime) -> datetime:
    """When the next unit of this scope may be spent; `now` or later."""
    moment = now
    if standing.paused_until and standing.paused_until > moment:
        moment = standing.paused_until
    if isinstance(quota, Rate) and standing.free_at:
        limit = standing.limit or quota.limit
        early = interval(limit, quota.per) * (burst(limit) - 1)
        moment = max(moment, standing.free_at - early)
    if isinstance(quota, Budget) and left(quota, standing, now) <= 0:
        moment = max(moment, standing.window_ends or now + BUDGET_LOOK)
    return moment


def left(quota: Budget, standing: Standing, now: datetime) -> int:
    """Units of a budget that may still be spent in this window."""
    if standing.window_ends is not None and standing.window_ends <= now:
        return standing.limit or standing.allowed or quota.limit
    return (standing.limit or standing.allowed or quota.limit) - standing.used


def spend(quota: Quota, standing: Standing, cost: int, *, at: datetime, now: datetime) -> Standing:
    """The row after `cost` units are spent at the moment `at`, which `open_at` allowed."""
    if isinstance(quota, Rate):
        step = interval(standing.limit or quota.limit, quota.per) * cost
        return replace(standing, free_at=max(standing.free_at or at, at) + step)
    if isinstance(quota, Budget):
        fresh = standing.window_ends is None or standing.window_ends <= now
        ends = now + timedelta(seconds=quota.per) if fresh else standing.window_ends
        return replace(standing, used=cost if fresh else standing.used + cost, window_ends=ends)
    return standing
