"""When the next calls may go: the arithmetic of quotas. Pure; the rows are reserve's business."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from connectors.wire import WAIT_MOST, Budget, Quota, Rate

MARGIN = 0.1  # seconds added to each window: the way to the other side is not equally long each time
BURST_SHARE = 50  # one call in so many may go at once
BUCKETS = 48  # of a rolling budget's window: units leave it by the bucket, so at most 1/48 of it too late, never early
ABSURD = 1000  # a limit of so many times the connector's own was not meant
AHEAD = timedelta(seconds=1)  # nothing is booked further ahead
UNANSWERED = timedelta(seconds=30)  # a call that was booked so lately may still be on its way
SOON = timedelta(seconds=1)  # no window ends sooner
SKEW = timedelta(seconds=2)  # how far the clocks of two machines may differ
PAUSE_MOST = timedelta(seconds=WAIT_MOST)

Buckets = tuple[tuple[float, int], ...]  # when each ends, in seconds since 1970, and the units spent in it


@dataclass(frozen=True, slots=True)
class Standing:
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


def limit_of(quota: Quota, standing: Standing) -> int:
    """The strictest of staff's limit and the reported one, otherwise the connector's; nonsense does not count."""
    told = [standing.limit, standing.allowed if isinstance(quota, Budget) else None]
    return min((limit for limit in told if usable(limit, quota)), default=quota.limit)


def usable(limit: int | None, quota: Quota) -> bool:
    return limit is not None and 1 <= limit <= quota.limit * ABSURD


def kept_of(limit: int, share: float) -> int:
    """Units that are kept free for live work; one is always left."""
    return min(int(limit * share), limit - 1)


# --- rates -----------------------------------------------------------------------------------------------------------


def burst(limit: int) -> int:
    return max(1, limit // BURST_SHARE)


def interval(limit: int, per: float) -> timedelta:
    """Between two calls of a rate. With b at once and then one each interval, any window of `per` seconds holds at
    most b + ceil(per / interval) - 1 calls, so this keeps them at `limit`."""
    return timedelta(seconds=(per + MARGIN) / (limit - burst(limit) + 1))


def earliest(free_at: datetime | None, limit: int, per: float, cost: int, now: datetime) -> datetime:
    """A call of `cost` units fits where they stay within the burst."""
    if free_at is None:
        return now
    return max(now, free_at + interval(limit, per) * (min(cost, limit) - burst(limit)))


def booked_until(free_at: datetime | None, limit: int, per: float, cost: int, at: datetime) -> datetime:
    return max(free_at or at, at) + interval(limit, per) * min(cost, limit)


# --- budgets ---------------------------------------------------------------------------------------------------------


def fixed(standing: Standing, now: datetime) -> bool:
    """Whether it counts in a window with a known end, which is still to come."""
    return standing.window_ends is not None and standing.window_ends > now


def bucket_end(quota: Budget, at: datetime) -> float:
    width = quota.per / BUCKETS
    return math.ceil((math.floor(at.timestamp() / width) + 1) * width * 1000) / 1000


def live(quota: Budget, standing: Standing, now: datetime) -> Buckets:
    """What still counts of a rolling budget, the oldest first; of the future (a clock went back) as of now."""
    newest, oldest = bucket_end(quota, now + AHEAD), now.timestamp() - quota.per - MARGIN
    return tuple((min(end, newest), units) for end, units in standing.spent if end > oldest)


def used_of(quota: Budget, standing: Standing, now: datetime) -> int:
    if fixed(standing, now):
        return standing.used
    if standing.window_ends is not None:  # it is whole again
        return 0
    return sum(units for _, units in live(quota, standing, now))


def left(quota: Budget, standing: Standing, now: datetime) -> int:
    """Units of a budget that may still be spent in this window."""
    return limit_of(quota, standing) - used_of(quota, standing, now)


def frees_at(quota: Budget, standing: Standing, units: int, now: datetime) -> datetime:
    """When so many units are left."""
    missing = units - left(quota, standing, now)
    if missing <= 0:
        return now
    if fixed(standing, now) and standing.window_ends is not None:
        return standing.window_ends
    buckets = live(quota, standing, now)
    gone = accumulate(units for _, units in buckets)
    end = next((end for (end, _), units in zip(buckets, gone, strict=True) if units >= missing), now.timestamp())
    return max(now, datetime.fromtimestamp(end + quota.per + MARGIN, UTC))


def add_spent(buckets: Iterable[tuple[float, int]], end: float, units: int) -> Buckets:
    counts: Counter[float] = Counter()
    for bucket, count in (*buckets, (end, units)):
        counts[bucket] += count
    return tuple(sorted(counts.items()))


def lately(buckets: Buckets, now: datetime) -> Buckets:
    """What may still be on its way, so that no report counts it yet."""
    return tuple((end, units) for end, units in buckets if end > (now - UNANSWERED).timestamp())


def midnight_after(zone: str, now: datetime) -> datetime:
    tomorrow = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), ZoneInfo(zone)).astimezone(UTC)


def spend_budget(quota: Budget, standing: Standing, units: int, *, at: datetime, now: datetime) -> Standing:
    if fixed(standing, now) or quota.midnight:
        ends = standing.window_ends if fixed(standing, now) else midnight_after(quota.midnight, now)
        trace = add_spent(lately(standing.spent, now), math.ceil(at.timestamp()), units)
        return replace(standing, used=used_of(quota, standing, now) + units, window_ends=ends, spent=trace)
    known = () if standing.window_ends else live(quota, standing, now)
    spent = add_spent(known, bucket_end(quota, at), units)
    return replace(standing, spent=spent, used=sum(units for _, units in spent), window_ends=None)


# --- all of them -----------------------------------------------------------------------------------------------------


def open_at(quota: Quota, standing: Standing, now: datetime, *, cost: int = 1, share: float = 0.0) -> datetime:
    """When `cost` units of this scope may be spent; `now` or later. `share` of it is kept for others."""
    moment = max(now, standing.paused_until or now)
    limit = limit_of(quota, standing)
    if isinstance(quota, Rate):
        moment = max(moment, earliest(standing.free_at, limit, quota.per, cost, now))
        if share:
            slower = quota.per / (1 - share)
            moment = max(moment, earliest(standing.low_priority_free_at, limit, slower, cost, now))
    if isinstance(quota, Budget):
        kept = kept_of(limit, share)
        moment = max(moment, frees_at(quota, standing, min(cost, limit - kept) + kept, now))
    return moment


def fits_at_once(quota: Quota | None, standing: Standing, now: datetime, *, units: int, share: float = 0.0) -> bool:
    """Return whether all these units may be spent now, in any order; `share` of the scope is kept for others."""
    if standing.probing:
        return False
    if quota is None:
        return standing.paused_until is None or standing.paused_until <= now
    limit = limit_of(quota, standing)
    most = {Rate: burst(limit), Budget: limit - kept_of(limit, share)}.get(type(quota), units)
    return units <= most and open_at(quota, standing, now, cost=units, share=share) <= now


def spend(quota: Quota, standing: Standing, cost: int, *, at: datetime, now: datetime, share: float = 0.0) -> Standing:
    """The row after `cost` units are spent at the moment `at`, which `open_at` allowed."""
    limit = limit_of(quota, standing)
    if isinstance(quota, Rate):
        free_at, low_priority_free_at = (
            booked_until(standing.free_at, limit, quota.per, cost, at),
            standing.low_priority_free_at,
        )
        if share:
            low_priority_free_at = booked_until(low_priority_free_at, limit, quota.per / (1 - share), cost, at)
        return replace(standing, free_at=free_at, low_priority_free_at=low_priority_free_at)
    if isinstance(quota, Budget):
        return spend_budget(quota, standing, min(cost, limit), at=at, now=now)
    return standing


def corrected(
    quota: Quota | None, standing: Standing, *, used: int, limit: int, ends: datetime | None, now: datetime
) -> Standing:
    """What a system reports of its budget is truer than our count, but for calls that it may not have counted yet."""
    standing = replace(standing, allowed=limit)
    if not isinstance(quota, Budget):
        return replace(standing, used=used)
    ours = used_of(quota, standing, now)
    truth = used if used >= ours else min(ours, used + sum(units for _, units in lately(standing.spent, now)))
    if ends is not None:
        latest = now + timedelta(seconds=quota.per)
        return replace(standing, used=truth, window_ends=min(max(ends, now + SOON), latest))
    if fixed(standing, now):
        return replace(standing, used=truth)
    if quota.midnight:
        return replace(standing, used=truth, window_ends=midnight_after(quota.midnight, now))
    spent = levelled(quota, () if standing.window_ends else live(quota, standing, now), used, now)
    return replace(standing, spent=spent, used=sum(units for _, units in spent), window_ends=None)


def levelled(quota: Budget, known: Buckets, used: int, now: datetime) -> Buckets:
    """What others spent counts as of now; what we counted too much leaves the oldest buckets first."""
    more = used - sum(units for _, units in known)
    if more >= 0:
        return add_spent(known, bucket_end(quota, now), more) if more else known
    spent, on_its_way = [], lately(known, now)
    for end, units in known:
        less = 0 if (end, units) in on_its_way else min(units, -more)
        more += less
        spent.append((end, units - less))
    return tuple((end, units) for end, units in spent if units)
