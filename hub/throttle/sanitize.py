"""Correct quota rows with impossible times: edited by hand, or written before the clock jumped.

No correction allows a call that the quota would not: units that are cut count as spent.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from connectors.http import Budget, Quota, Rate
from hub.throttle.limits import (
    CLOCK_SKEW,
    MAX_BOOKING_AHEAD,
    MAX_PAUSE,
    SEND_DELAY,
    QuotaSnapshot,
    burst_size,
    call_interval,
    effective_limit,
    is_usable_limit,
)


def sanitize_snapshot(quota: Quota | None, snapshot: QuotaSnapshot, now: datetime) -> QuotaSnapshot:
    """Return the snapshot with impossible times corrected."""
    snapshot = _sanitize_pause(snapshot, now)
    if isinstance(quota, Rate):
        limit = effective_limit(quota, snapshot)
        return replace(
            snapshot,
            free_at=_sanitize_rate(snapshot.free_at, limit, quota.per_seconds, now),
            low_priority_free_at=_sanitize_rate(
                snapshot.low_priority_free_at, limit, 10 * quota.per_seconds, now
            ),
            delayed_free_at=_sanitize_delayed(snapshot.delayed_free_at, now),
        )
    if (
        isinstance(quota, Budget)
        and snapshot.window_ends
        and snapshot.window_ends > _latest_window_end(quota, now)
    ):
        return replace(snapshot, window_ends=now + timedelta(seconds=quota.per_seconds))
    return snapshot


def _sanitize_rate(
    free_at: datetime | None, limit: int, per: float, now: datetime
) -> datetime | None:
    """Reduce a time that is further ahead than the full limit of bookings can explain."""
    step = call_interval(limit, per)
    if free_at is None or free_at <= now + MAX_BOOKING_AHEAD + CLOCK_SKEW + step * limit:
        return free_at
    return now + MAX_BOOKING_AHEAD + step * burst_size(limit)


def _sanitize_delayed(free_at: datetime | None, now: datetime) -> datetime | None:
    """Reduce a time that is further ahead than delayed calls can explain."""
    if free_at is None or free_at <= now + 2 * SEND_DELAY + CLOCK_SKEW:
        return free_at
    return now + SEND_DELAY


def _latest_window_end(quota: Budget, now: datetime) -> datetime:
    """Return the latest possible end of a window; a day may have 25 hours."""
    return now + timedelta(seconds=quota.per_seconds * 1.05) + CLOCK_SKEW


def _sanitize_pause(snapshot: QuotaSnapshot, now: datetime) -> QuotaSnapshot:
    """Keep a pause's length if the clock went back; end one of over a day, to send a probe."""
    paused_at, paused_until = snapshot.paused_at, snapshot.paused_until
    if paused_until is None:
        return snapshot
    if paused_at is not None and paused_at > now + CLOCK_SKEW:
        paused_at, paused_until = now, now + max(paused_until - paused_at, timedelta(0))
    if paused_until > now + MAX_PAUSE + CLOCK_SKEW:
        paused_at, paused_until = now, now
    is_changed = paused_until != snapshot.paused_until
    return replace(
        snapshot,
        paused_at=paused_at,
        paused_until=paused_until,
        is_probing=snapshot.is_probing or is_changed,
    )


def describe_problem(quota: Quota | None, snapshot: QuotaSnapshot, now: datetime) -> str:
    """Return what is wrong with a row, as a sentence for staff; "" if nothing is."""
    if (
        quota is not None
        and snapshot.limit is not None
        and not is_usable_limit(snapshot.limit, quota)
    ):
        return f"The limit of {snapshot.limit:,} is not usable; the connector's own limit applies."
    if (
        quota is not None
        and snapshot.reported_limit is not None
        and not is_usable_limit(snapshot.reported_limit, quota)
    ):
        return (
            f"The system reported {snapshot.reported_limit:,} calls, which is not plausible; "
            "the connector's own limit applies."
        )
    if sanitize_snapshot(quota, snapshot, now) != snapshot:
        return "A time in this row is later than the quota allows; the next call corrects it."
    return ""
