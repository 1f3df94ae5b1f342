"""Arithmetic of rates and budgets: when next calls may be sent, by pure functions of a snapshot."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from connectors.http import MAX_WAIT, Budget, Quota, Rate

WINDOW_MARGIN = 0.1  # seconds added to each window, as requests take different times to arrive
BURST_SHARE = 50  # 1/50 of a rate's calls may be sent at once
# 1/50 of a rate's calls may be sent later than booked, up to SEND_DELAY.
DELAYED_SHARE = 50
SEND_DELAY = timedelta(seconds=2.5)
FAST_CALL_INTERVAL = timedelta(seconds=0.02)  # WINDOW_MARGIN is several of these
# Of a rolling budget's window. Units return by the bucket: at most 1/48 of the window late, never
# early.
BUCKET_COUNT = 48
MAX_LIMIT_FACTOR = 1000  # a limit of more times the connector's own is a mistake
MAX_BOOKING_AHEAD = timedelta(seconds=1)
MAX_REPORT_DELAY = timedelta(seconds=30)  # calls younger than this may be missing from a report
CLOCK_SKEW = timedelta(seconds=2)  # how far the clocks of two machines may differ
MAX_PAUSE = timedelta(seconds=MAX_WAIT)

Buckets = tuple[tuple[float, int], ...]  # end in seconds since 1970, units spent


@dataclass(frozen=True, slots=True)
class QuotaSnapshot:
    """The columns of a scope's quota row."""

    free_at: datetime | None = None
    low_priority_free_at: datetime | None = None
    delayed_free_at: datetime | None = None
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    is_probing: bool = False
    used_units: int = 0
    usage_buckets: Buckets = ()
    reported_limit: int | None = None
    window_ends: datetime | None = None
    limit: int | None = None


def effective_limit(quota: Quota, snapshot: QuotaSnapshot) -> int:
    """Return the lower of staff's limit and the reported one, otherwise the connector's.

    Unusable limits are ignored.
    """
    reported = snapshot.reported_limit if isinstance(quota, Budget) else None
    limits = [limit for limit in (snapshot.limit, reported) if limit is not None]
    return min((limit for limit in limits if is_usable_limit(limit, quota)), default=quota.limit)


def is_usable_limit(limit: int | None, quota: Quota) -> bool:
    """Return whether a limit is at least 1, and not implausibly higher than the connector's own."""
    return limit is not None and 1 <= limit <= quota.limit * MAX_LIMIT_FACTOR


def _units_kept_free(limit: int, share: float) -> int:
    """Return the units that are reserved for live work: never all units."""
    return min(int(limit * share), limit - 1)


# --- rates ----------------------------------------------------------------------------------------


def burst_size(limit: int) -> int:
    return max(1, limit // BURST_SHARE)


def delayed_units(limit: int) -> int:
    """Return how many units of a rate may be booked and not sent yet; 0 for a small rate."""
    return limit // DELAYED_SHARE


def delayed_burst(limit: int) -> int:
    """Return how many delayed calls may be booked at once: half of `delayed_units`."""
    return (delayed_units(limit) + 1) // 2


def delayed_interval(limit: int) -> timedelta:
    """Return the time between delayed calls: `delayed_units` at most are in SEND_DELAY."""
    seconds = SEND_DELAY.total_seconds() + WINDOW_MARGIN
    return timedelta(seconds=seconds / (delayed_units(limit) - delayed_burst(limit) + 1))


def call_interval(limit: int, per: float) -> timedelta:
    """Return the time between two calls of a rate.

    With b calls at once and then one each interval, a window of `per` seconds contains at most b +
    ceil(per / interval) - 1 booked calls. The interval keeps this at `limit`, less the delayed
    calls that were booked before the window and are sent in it.
    """
    booked_limit = limit - delayed_units(limit)
    return timedelta(seconds=(per + WINDOW_MARGIN) / (booked_limit - burst_size(limit) + 1))


def is_quiet_rate(rate: Rate, snapshot: QuotaSnapshot, now: datetime) -> bool:
    """Return whether a rate of fast calls has recovered from those before.

    A window that could hold one call too many is far away then.
    """
    has_recovered = snapshot.free_at is None or snapshot.free_at <= now
    interval = call_interval(effective_limit(rate, snapshot), rate.per_seconds)
    return has_recovered and interval <= FAST_CALL_INTERVAL


def _earliest_call(
    free_at: datetime | None, limit: int, per: float, cost: int, now: datetime
) -> datetime:
    """Return the first time at which a call of `cost` units is within the burst."""
    if free_at is None:
        return now
    return max(now, free_at + call_interval(limit, per) * (min(cost, limit) - burst_size(limit)))


def booked_until(
    free_at: datetime | None, limit: int, per: float, cost: int, at: datetime
) -> datetime:
    """Return the theoretical arrival time (GCRA) after a call of `cost` units at `at`."""
    return max(free_at or at, at) + call_interval(limit, per) * min(cost, limit)


# --- budgets --------------------------------------------------------------------------------------


def fixed_window_end(snapshot: QuotaSnapshot, now: datetime) -> datetime | None:
    """Return when the budget's window ends; None if no end in the future is known."""
    ends_at = snapshot.window_ends
    return ends_at if ends_at and ends_at > now else None


def bucket_end(quota: Budget, at: datetime) -> float:
    """Return the end of the bucket at a time, in seconds since 1970."""
    width = quota.per_seconds / BUCKET_COUNT
    return math.ceil((math.floor(at.timestamp() / width) + 1) * width * 1000) / 1000


def live_buckets(quota: Budget, snapshot: QuotaSnapshot, now: datetime) -> Buckets:
    """Return the buckets of a rolling budget that still count, oldest first.

    Buckets in the future (after a clock went back) count as of now.
    """
    newest = bucket_end(quota, now + MAX_BOOKING_AHEAD)
    oldest = now.timestamp() - quota.per_seconds - WINDOW_MARGIN
    return tuple((min(end, newest), units) for end, units in snapshot.usage_buckets if end > oldest)


def units_used(quota: Budget, snapshot: QuotaSnapshot, now: datetime) -> int:
    """Return the units of a budget that count in the current window."""
    if fixed_window_end(snapshot, now):
        return snapshot.used_units
    if snapshot.window_ends is not None:  # the window is over
        return 0
    return sum(units for _, units in live_buckets(quota, snapshot, now))


def units_left(quota: Budget, snapshot: QuotaSnapshot, now: datetime) -> int:
    """Return the units of a budget that may still be spent in this window."""
    return effective_limit(quota, snapshot) - units_used(quota, snapshot, now)


def _units_free_at(quota: Budget, snapshot: QuotaSnapshot, units: int, now: datetime) -> datetime:
    """Return when this many units will be left."""
    missing = units - units_left(quota, snapshot, now)
    if missing <= 0:
        return now
    if window_end := fixed_window_end(snapshot, now):
        return window_end
    buckets = live_buckets(quota, snapshot, now)
    expired_units = accumulate(units for _, units in buckets)
    end = next(
        (end for (end, _), units in zip(buckets, expired_units, strict=True) if units >= missing),
        now.timestamp(),
    )
    return max(now, datetime.fromtimestamp(end + quota.per_seconds + WINDOW_MARGIN, UTC))


def add_units(buckets: Iterable[tuple[float, int]], end: float, units: int) -> Buckets:
    """Return the buckets with these units added to the bucket that ends at `end`."""
    counts: Counter[float] = Counter()
    for bucket, count in (*buckets, (end, units)):
        counts[bucket] += count
    return tuple(sorted(counts.items()))


def recent_buckets(buckets: Buckets, now: datetime) -> Buckets:
    """Return the buckets that a report may not include yet, of calls sent just before it."""
    return tuple(
        (end, units) for end, units in buckets if end > (now - MAX_REPORT_DELAY).timestamp()
    )


def next_midnight(zone: str, now: datetime) -> datetime:
    """Return the next midnight of a time zone, in UTC."""
    tomorrow = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), ZoneInfo(zone)).astimezone(UTC)


def spend_budget(
    quota: Budget, snapshot: QuotaSnapshot, units: int, *, at: datetime, now: datetime
) -> QuotaSnapshot:
    """Return the snapshot after `units` of the budget are spent at `at`."""
    window_ends = fixed_window_end(snapshot, now)
    if not window_ends and quota.midnight_zone:
        window_ends = next_midnight(quota.midnight_zone, now)
    if window_ends:
        recent_units = add_units(
            recent_buckets(snapshot.usage_buckets, now), math.ceil(at.timestamp()), units
        )
        return replace(
            snapshot,
            used_units=units_used(quota, snapshot, now) + units,
            window_ends=window_ends,
            usage_buckets=recent_units,
        )
    buckets = () if snapshot.window_ends else live_buckets(quota, snapshot, now)
    usage_buckets = add_units(buckets, bucket_end(quota, at), units)
    return replace(
        snapshot,
        usage_buckets=usage_buckets,
        used_units=sum(units for _, units in usage_buckets),
        window_ends=None,
    )


# --- all kinds of quotas --------------------------------------------------------------------------


def scope_opens_at(
    quota: Quota, snapshot: QuotaSnapshot, now: datetime, *, cost: int = 1, share: float = 0.0
) -> datetime:
    """Return the first time from `now` to spend `cost` units; `share` is reserved for live work."""
    opens_at = max(now, snapshot.paused_until or now)
    limit = effective_limit(quota, snapshot)
    if isinstance(quota, Rate):
        opens_at = max(
            opens_at, _earliest_call(snapshot.free_at, limit, quota.per_seconds, cost, now)
        )
        if share:
            slower = quota.per_seconds / (1 - share)
            opens_at = max(
                opens_at, _earliest_call(snapshot.low_priority_free_at, limit, slower, cost, now)
            )
    if isinstance(quota, Budget):
        kept_free = _units_kept_free(limit, share)
        opens_at = max(
            opens_at, _units_free_at(quota, snapshot, min(cost, limit - kept_free) + kept_free, now)
        )
    return opens_at


def can_spend_at_once(
    quota: Quota | None, snapshot: QuotaSnapshot, now: datetime, *, units: int, share: float = 0.0
) -> bool:
    """Return whether all these units may be spent now, in any order; `share` of it is reserved."""
    if snapshot.is_probing:
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
    """Return the row after `cost` units are spent at `at`, which `scope_opens_at` allowed."""
    limit = effective_limit(quota, snapshot)
    if isinstance(quota, Rate):
        free_at = booked_until(snapshot.free_at, limit, quota.per_seconds, cost, at)
        low_priority_free_at = snapshot.low_priority_free_at
        if share:
            low_priority_free_at = booked_until(
                low_priority_free_at, limit, quota.per_seconds / (1 - share), cost, at
            )
        return replace(snapshot, free_at=free_at, low_priority_free_at=low_priority_free_at)
    if isinstance(quota, Budget):
        return spend_budget(quota, snapshot, min(cost, limit), at=at, now=now)
    return snapshot
