"""When the next calls may go: the arithmetic of quotas. Pure; the rows are reserve's business."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from connectors.http import MAX_WAIT, Budget, Quota, Rate

WINDOW_MARGIN = (
    0.1  # seconds added to each window: the way to the other side is not equally long each time
)
BURST_SHARE = 50  # one call in so many may go at once
BUCKET_COUNT = 48  # of a rolling budget's window: units leave it by the bucket, so at most 1/48 of it too late, never early
MAX_LIMIT_FACTOR = 1000  # a limit of so many times the connector's own was not meant
MAX_BOOKING_AHEAD = timedelta(seconds=1)  # nothing is booked further ahead
MAX_REPORT_DELAY = timedelta(seconds=30)  # a call that was booked so lately may still be on its way
MIN_WINDOW = timedelta(seconds=1)  # no window ends sooner
CLOCK_SKEW = timedelta(seconds=2)  # how far the clocks of two machines may differ
MAX_PAUSE = timedelta(seconds=MAX_WAIT)

Buckets = tuple[
    tuple[float, int], ...
]  # when each ends, in seconds since 1970, and the units spent in it


@dataclass(frozen=True, slots=True)
class QuotaSnapshot:
    """What a scope's row says."""

    free_at: datetime | None = None
    low_priority_free_at: datetime | None = None
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    probing: bool = False
    used: int = 0
    spent: Buckets = ()
    allowed: int | None = None
    window_ends: datetime | None = None
    limit: int | None = None


def effective_limit(quota: Quota, snapshot: QuotaSnapshot) -> int:
    """The strictest of staff's limit and the reported one, otherwise the connector's; nonsense does not count."""
    limits = [snapshot.limit, snapshot.allowed if isinstance(quota, Budget) else None]
    return min((limit for limit in limits if is_usable_limit(limit, quota)), default=quota.limit)


def is_usable_limit(limit: int | None, quota: Quota) -> bool:
    return limit is not None and 1 <= limit <= quota.limit * MAX_LIMIT_FACTOR


def _units_kept_free(limit: int, share: float) -> int:
    """Units that are kept free for live work; one is always left."""
    return min(int(limit * share), limit - 1)


# --- rates -----------------------------------------------------------------------------------------------------------


def burst_size(limit: int) -> int:
    return max(1, limit // BURST_SHARE)


def call_interval(limit: int, per: float) -> timedelta:
    """Between two calls of a rate. With b at once and then one each interval, any window of `per` seconds holds at
    most b + ceil(per / interval) - 1 calls, so this keeps them at `limit`."""
    return timedelta(seconds=(per + WINDOW_MARGIN) / (limit - burst_size(limit) + 1))


def _earliest_call(
    free_at: datetime | None, limit: int, per: float, cost: int, now: datetime
) -> datetime:
    """A call of `cost` units fits where they stay within the burst."""
    if free_at is None:
        return now
    return max(now, free_at + call_interval(limit, per) * (min(cost, limit) - burst_size(limit)))


def booked_until(
    free_at: datetime | None, limit: int, per: float, cost: int, at: datetime
) -> datetime:
    return max(free_at or at, at) + call_interval(limit, per) * min(cost, limit)


# --- budgets ---------------------------------------------------------------------------------------------------------


def has_fixed_window(snapshot: QuotaSnapshot, now: datetime) -> bool:
    """Whether it counts in a window with a known end, which is still to come."""
    return snapshot.window_ends is not None and snapshot.window_ends > now


def bucket_end(quota: Budget, at: datetime) -> float:
    width = quota.per / BUCKET_COUNT
    return math.ceil((math.floor(at.timestamp() / width) + 1) * width * 1000) / 1000


def live_buckets(quota: Budget, snapshot: QuotaSnapshot, now: datetime) -> Buckets:
    """What still counts of a rolling budget, the oldest first; of the future (a clock went back) as of now."""
    newest, oldest = (
        bucket_end(quota, now + MAX_BOOKING_AHEAD),
        now.timestamp() - quota.per - WINDOW_MARGIN,
    )
    return tuple((min(end, newest), units) for end, units in snapshot.spent if end > oldest)


def units_used(quota: Budget, snapshot: QuotaSnapshot, now: datetime) -> int:
    if has_fixed_window(snapshot, now):
        return snapshot.used
    if snapshot.window_ends is not None:  # it is whole again
        return 0
    return sum(units for _, units in live_buckets(quota, snapshot, now))


def units_left(quota: Budget, snapshot: QuotaSnapshot, now: datetime) -> int:
    """Units of a budget that may still be spent in this window."""
    return effective_limit(quota, snapshot) - units_used(quota, snapshot, now)


def _units_free_at(quota: Budget, snapshot: QuotaSnapshot, units: int, now: datetime) -> datetime:
    """When so many units are left."""
    missing = units - units_left(quota, snapshot, now)
    if missing <= 0:
        return now
    if has_fixed_window(snapshot, now) and snapshot.window_ends is not None:
        return snapshot.window_ends
    buckets = live_buckets(quota, snapshot, now)
    expired_units = accumulate(units for _, units in buckets)
    end = next(
        (end for (end, _), units in zip(buckets, expired_units, strict=True) if units >= missing),
        now.timestamp(),
    )
    return max(now, datetime.fromtimestamp(end + quota.per + WINDOW_MARGIN, UTC))


def _add_units(buckets: Iterable[tuple[float, int]], end: float, units: int) -> Buckets:
    counts: Counter[float] = Counter()
    for bucket, count in (*buckets, (end, units)):
        counts[bucket] += count
    return tuple(sorted(counts.items()))


def recent_buckets(buckets: Buckets, now: datetime) -> Buckets:
    """What may still be on its way, so that no report counts it yet."""
    return tuple(
        (end, units) for end, units in buckets if end > (now - MAX_REPORT_DELAY).timestamp()
    )


def _next_midnight(zone: str, now: datetime) -> datetime:
    tomorrow = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), ZoneInfo(zone)).astimezone(UTC)


def spend_budget(
    quota: Budget, snapshot: QuotaSnapshot, units: int, *, at: datetime, now: datetime
) -> QuotaSnapshot:
    if has_fixed_window(snapshot, now) or quota.midnight:
        window_ends = (
            snapshot.window_ends
            if has_fixed_window(snapshot, now)
            else _next_midnight(quota.midnight, now)
        )
        recent_units = _add_units(
            recent_buckets(snapshot.spent, now), math.ceil(at.timestamp()), units
        )
        return replace(
            snapshot,
            used=units_used(quota, snapshot, now) + units,
            window_ends=window_ends,
            spent=recent_units,
        )
    buckets = () if snapshot.window_ends else live_buckets(quota, snapshot, now)
    spent = _add_units(buckets, bucket_end(quota, at), units)
    return replace(snapshot, spent=spent, used=sum(units for _, units in spent), window_ends=None)


# --- all of them -----------------------------------------------------------------------------------------------------


def scope_opens_at(
    quota: Quota, snapshot: QuotaSnapshot, now: datetime, *, cost: int = 1, share: float = 0.0
) -> datetime:
    """When `cost` units of this scope may be spent; `now` or later. `share` of it is kept for others."""
    opens_at = max(now, snapshot.paused_until or now)
    limit = effective_limit(quota, snapshot)
    if isinstance(quota, Rate):
        opens_at = max(opens_at, _earliest_call(snapshot.free_at, limit, quota.per, cost, now))
        if share:
            slower = quota.per / (1 - share)
            opens_at = max(
                opens_at, _earliest_call(snapshot.low_priority_free_at, limit, slower, cost, now)
            )
    if isinstance(quota, Budget):
        kept_free = _units_kept_free(limit, share)
        opens_at = max(
            opens_at, _units_free_at(quota, snapshot, min(cost, limit - kept_free) + kept_free, now)
        )
    return opens_at


def fits_at_once(
    quota: Quota | None, snapshot: QuotaSnapshot, now: datetime, *, units: int, share: float = 0.0
) -> bool:
    """Return whether all these units may be spent now, in any order; `share` of the scope is kept for others."""
    if snapshot.probing:
        return False
    if quota is None:
        return snapshot.paused_until is None or snapshot.paused_until <= now
    limit = effective_limit(quota, snapshot)
    most = {Rate: burst_size(limit), Budget: limit - _units_kept_free(limit, share)}.get(
        type(quota), units
    )
    return units <= most and scope_opens_at(quota, snapshot, now, cost=units, share=share) <= now


def spend_units(
    quota: Quota,
    snapshot: QuotaSnapshot,
    cost: int,
    *,
    at: datetime,
    now: datetime,
    share: float = 0.0,
) -> QuotaSnapshot:
    """The row after `cost` units are spent at the moment `at`, which `open_at` allowed."""
    limit = effective_limit(quota, snapshot)
    if isinstance(quota, Rate):
        free_at, low_priority_free_at = (
            booked_until(snapshot.free_at, limit, quota.per, cost, at),
            snapshot.low_priority_free_at,
        )
        if share:
            low_priority_free_at = booked_until(
                low_priority_free_at, limit, quota.per / (1 - share), cost, at
            )
        return replace(snapshot, free_at=free_at, low_priority_free_at=low_priority_free_at)
    if isinstance(quota, Budget):
        return spend_budget(quota, snapshot, min(cost, limit), at=at, now=now)
    return snapshot


def correct_snapshot(
    quota: Quota | None,
    snapshot: QuotaSnapshot,
    *,
    used: int,
    limit: int,
    window_ends: datetime | None,
    now: datetime,
) -> QuotaSnapshot:
    """What a system reports of its budget is truer than our count, but for calls that it may not have counted yet."""
    snapshot = replace(snapshot, allowed=limit)
    if not isinstance(quota, Budget):
        return replace(snapshot, used=used)
    counted_units = units_used(quota, snapshot, now)
    true_units = (
        used
        if used >= counted_units
        else min(
            counted_units, used + sum(units for _, units in recent_buckets(snapshot.spent, now))
        )
    )
    if window_ends is not None:
        latest = now + timedelta(seconds=quota.per)
        return replace(
            snapshot, used=true_units, window_ends=min(max(window_ends, now + MIN_WINDOW), latest)
        )
    if has_fixed_window(snapshot, now):
        return replace(snapshot, used=true_units)
    if quota.midnight:
        return replace(snapshot, used=true_units, window_ends=_next_midnight(quota.midnight, now))
    spent = _level_buckets(
        quota, () if snapshot.window_ends else live_buckets(quota, snapshot, now), used, now
    )
    return replace(snapshot, spent=spent, used=sum(units for _, units in spent), window_ends=None)


def _level_buckets(quota: Budget, buckets: Buckets, used: int, now: datetime) -> Buckets:
    """What others spent counts as of now; what we counted too much leaves the oldest buckets first."""
    excess = used - sum(units for _, units in buckets)
    if excess >= 0:
        return _add_units(buckets, bucket_end(quota, now), excess) if excess else buckets
    spent, unreported_buckets = [], recent_buckets(buckets, now)
    for end, units in buckets:
        removed_units = 0 if (end, units) in unreported_buckets else min(units, -excess)
        excess += removed_units
        spent.append((end, units - removed_units))
    return tuple((end, units) for end, units in spent if units)
