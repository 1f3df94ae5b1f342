"""A row that cannot be meant as it stands (edited to nonsense, written before the clock jumped), read so that it can.

Nothing here lets a call go that the quota would not: what is cut is taken as spent to the full.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from connectors.wire import Budget, Quota, Rate
from hub.throttle.pace import AHEAD, PAUSE_MOST, SKEW, Standing, burst, interval, limit_of, usable


def mended(quota: Quota | None, standing: Standing, now: datetime) -> Standing:
    standing = mended_pause(standing, now)
    if isinstance(quota, Rate):
        limit = limit_of(quota, standing)
        return replace(
            standing,
            free_at=mended_rate(standing.free_at, limit, quota.per, now),
            low_priority_free_at=mended_rate(standing.low_priority_free_at, limit, 10 * quota.per, now),
        )
    if isinstance(quota, Budget) and standing.window_ends and standing.window_ends > latest_end(quota, now):
        return replace(standing, window_ends=now + timedelta(seconds=quota.per))
    return standing


def mended_rate(free_at: datetime | None, limit: int, per: float, now: datetime) -> datetime | None:
    """No more than the whole limit can be booked, and that only `AHEAD`."""
    step = interval(limit, per)
    if free_at is None or free_at <= now + AHEAD + SKEW + step * limit:
        return free_at
    return now + AHEAD + step * burst(limit)


def latest_end(quota: Budget, now: datetime) -> datetime:
    """A day may have 25 hours."""
    return now + timedelta(seconds=quota.per * 1.05) + SKEW


def mended_pause(standing: Standing, now: datetime) -> Standing:
    """A pause lasts as long as it was told to, also where the clock went back; at most a day."""
    begun, until = standing.paused_at, standing.paused_until
    if until is None:
        return standing
    if begun is not None and begun > now + SKEW:
        begun, until = now, now + max(until - begun, timedelta(0))
    if until > now + PAUSE_MOST + SKEW:  # then a probe finds out
        begun, until = now, now
    changed = until != standing.paused_until
    return replace(standing, paused_at=begun, paused_until=until, probing=standing.probing or changed)


def oddity(quota: Quota | None, standing: Standing, now: datetime) -> str:
    """What is wrong with the row, in words; empty where it can be meant."""
    if quota is not None and standing.limit is not None and not usable(standing.limit, quota):
        return f"The limit of {standing.limit:,} cannot be kept to; the connector's own counts."
    if quota is not None and standing.allowed is not None and not usable(standing.allowed, quota):
        return f"The system reported {standing.allowed:,} calls, which cannot be; the connector's own limit counts."
    if mended(quota, standing, now) != standing:
        return "A moment on this row lies further ahead than the quota explains; it is cut at the next call."
    return ""
