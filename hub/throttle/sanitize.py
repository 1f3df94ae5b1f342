"""A row that cannot be meant as it stands (edited to nonsense, written before the clock jumped), read so that it can.

Nothing here lets a call go that the quota would not: what is cut is taken as spent to the full.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from connectors.http import Budget, Quota, Rate
from hub.throttle.limits import (
    CLOCK_SKEW,
    MAX_BOOKING_AHEAD,
    MAX_PAUSE,
    QuotaSnapshot,
    burst_size,
    call_interval,
    effective_limit,
    is_usable_limit,
)


def sanitize_snapshot(quota: Quota | None, snapshot: QuotaSnapshot, now: datetime) -> QuotaSnapshot:
    snapshot = _sanitize_pause(snapshot, now)
    if isinstance(quota, Rate):
        limit = effective_limit(quota, snapshot)
        return replace(
            snapshot,
            free_at=_sanitize_rate(snapshot.free_at, limit, quota.per, now),
            low_priority_free_at=_sanitize_rate(
                snapshot.low_priority_free_at, limit, 10 * quota.per, now
            ),
        )
    if (
        isinstance(quota, Budget)
        and snapshot.window_ends
        and snapshot.window_ends > _latest_window_end(quota, now)
    ):
        return replace(snapshot, window_ends=now + timedelta(seconds=quota.per))
    return snapshot


def _sanitize_rate(
    free_at: datetime | None, limit: int, per: float, now: datetime
) -> datetime | None:
    """No more than the whole limit can be booked, and that only `AHEAD`."""
    step = call_interval(limit, per)
    if free_at is None or free_at <= now + MAX_BOOKING_AHEAD + CLOCK_SKEW + step * limit:
        return free_at
    return now + MAX_BOOKING_AHEAD + step * burst_size(limit)


def _latest_window_end(quota: Budget, now: datetime) -> datetime:
    """A day may have 25 hours."""
    return now + timedelta(seconds=quota.per * 1.05) + CLOCK_SKEW


def _sanitize_pause(snapshot: QuotaSnapshot, now: datetime) -> QuotaSnapshot:
    """A pause lasts as long as it was told to, also where the clock went back; at most a day."""
    paused_at, paused_until = snapshot.paused_at, snapshot.paused_until
    if paused_until is None:
        return snapshot
    if paused_at is not None and paused_at > now + CLOCK_SKEW:
        paused_at, paused_until = now, now + max(paused_until - paused_at, timedelta(0))
    if paused_until > now + MAX_PAUSE + CLOCK_SKEW:  # then a probe finds out
        paused_at, paused_until = now, now
    is_changed = paused_until != snapshot.paused_until
    return replace(
        snapshot,
        paused_at=paused_at,
        paused_until=paused_until,
        probing=snapshot.probing or is_changed,
    )


def describe_problem(quota: Quota | None, snapshot: QuotaSnapshot, now: datetime) -> str:
    """What is wrong with the row, in words; empty where it can be meant."""
    if (
        quota is not None
        and snapshot.limit is not None
        and not is_usable_limit(snapshot.limit, quota)
    ):
        return f"The limit of {snapshot.limit:,} cannot be kept to; the connector's own counts."
    if (
        quota is not None
        and snapshot.allowed is not None
        and not is_usable_limit(snapshot.allowed, quota)
    ):
        return f"The system reported {snapshot.allowed:,} calls, which cannot be; the connector's own limit counts."
    if sanitize_snapshot(quota, snapshot, now) != snapshot:
        return "A moment on this row lies further ahead than the quota explains; it is cut at the next call."
    return ""
