"""Correct a quota row by a report of its system."""

from dataclasses import replace
from datetime import datetime, timedelta

from connectors.http import Budget, Quota
from hub.throttle.limits import (
    Buckets,
    QuotaSnapshot,
    add_units,
    bucket_end,
    fixed_window_end,
    live_buckets,
    next_midnight,
    recent_buckets,
    units_used,
)

MIN_WINDOW = timedelta(seconds=1)


MAX_UNITS = 2**31 - 1  # of a column; a system may report any number


def correct_snapshot(
    quota: Quota | None,
    snapshot: QuotaSnapshot,
    *,
    used: int,
    limit: int,
    window_ends: datetime | None,
    now: datetime,
) -> QuotaSnapshot:
    """Return the row after a report of its budget; calls that it may not count yet are added."""
    used, limit = min(used, MAX_UNITS), min(limit, MAX_UNITS)
    snapshot = replace(snapshot, reported_limit=limit)
    if not isinstance(quota, Budget):
        return replace(snapshot, used_units=used)
    true_units = _find_true_units(quota, snapshot, used, now)
    if window_ends is not None:
        latest = now + timedelta(seconds=quota.per_seconds)
        return replace(
            snapshot,
            used_units=true_units,
            window_ends=min(max(window_ends, now + MIN_WINDOW), latest),
        )
    if fixed_window_end(snapshot, now):
        return replace(snapshot, used_units=true_units)
    if quota.midnight_zone:
        return replace(
            snapshot, used_units=true_units, window_ends=next_midnight(quota.midnight_zone, now)
        )
    usage_buckets = _adjust_buckets(
        quota, () if snapshot.window_ends else live_buckets(quota, snapshot, now), used, now
    )
    return replace(
        snapshot,
        usage_buckets=usage_buckets,
        used_units=sum(units for _, units in usage_buckets),
        window_ends=None,
    )


def _find_true_units(quota: Budget, snapshot: QuotaSnapshot, used: int, now: datetime) -> int:
    """Return the reported units, and those that the report may not contain yet."""
    counted_units = units_used(quota, snapshot, now)
    if used >= counted_units:
        return used
    recent_units = sum(units for _, units in recent_buckets(snapshot.usage_buckets, now))
    return min(counted_units, used + recent_units)


def _adjust_buckets(quota: Budget, buckets: Buckets, used: int, now: datetime) -> Buckets:
    """Adjust the buckets to a report.

    Add units that others spent as of now, or remove units that we counted too much, oldest first.
    """
    excess = used - sum(units for _, units in buckets)
    if excess >= 0:
        return add_units(buckets, bucket_end(quota, now), excess) if excess else buckets
    remaining_buckets, unreported_buckets = [], recent_buckets(buckets, now)
    for end, units in buckets:
        removed_units = 0 if (end, units) in unreported_buckets else min(units, -excess)
        excess += removed_units
        remaining_buckets.append((end, units - removed_units))
    return tuple((end, units) for end, units in remaining_buckets if units)
