"""Compute when a mail that can wait may be sent, in the member's time zone. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def find_quiet_end(
    quiet_from: time | None, quiet_until: time | None, zone: ZoneInfo, *, now: datetime
) -> datetime | None:
    """Return the end of the current quiet hours; None outside quiet hours."""
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return None
    local = now.astimezone(zone)
    is_quiet = (
        quiet_from <= local.time() < quiet_until
        if quiet_from < quiet_until
        else local.time() >= quiet_from or local.time() < quiet_until
    )
    return find_next_occurrence(quiet_until, zone, now=now) if is_quiet else None


def find_next_occurrence(at: time, zone: ZoneInfo, *, now: datetime) -> datetime:
    """Return the next moment at which clocks in the zone show this time."""
    today = now.astimezone(zone).date()
    moments = (
        datetime.combine(today + days * DAY, at, zone).astimezone(now.tzinfo) for days in range(3)
    )
    return next(moment for moment in moments if moment > now)
