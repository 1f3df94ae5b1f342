"""When a mail that can wait may go: quiet hours, and the hour of the daily one. Pure, in a person's own zone."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def quiet_end(since: time | None, until: time | None, zone: ZoneInfo, *, now: datetime) -> datetime | None:
    """When the quiet that lasts now is over; None where it is not quiet."""
    if since is None or until is None or since == until:
        return None
    local = now.astimezone(zone)
    quiet = since <= local.time() < until if since < until else local.time() >= since or local.time() < until
    return next_at(until, zone, now=now) if quiet else None


def next_at(at: time, zone: ZoneInfo, *, now: datetime) -> datetime:
    """The next moment when a clock there shows this time."""
    today = now.astimezone(zone).date()
    moments = (datetime.combine(today + days * DAY, at, zone).astimezone(now.tzinfo) for days in range(3))
    return next(moment for moment in moments if moment > now)
