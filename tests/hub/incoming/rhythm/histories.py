"""Counts by UTC day and hour, as the product keeps them."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 3, 30)  # a Monday; summer time began the day before


def build_history(
    count_of: Callable[[datetime], int], *, weeks: int = 5, zone: ZoneInfo = BERLIN
) -> Mapping[date, list[int]]:
    """Return what `count_of` says of each local hour of the weeks before TODAY."""
    days = {}
    for number in range(1, weeks * 7 + 3):
        day = TODAY - timedelta(days=number - 1)
        midnight = datetime.combine(day, time(), UTC)
        hours = [(midnight + timedelta(hours=hour)).astimezone(zone) for hour in range(24)]
        days[day] = [count_of(hour) if hour.date() < TODAY else 0 for hour in hours]
    return days


def is_office_hour(local: datetime) -> bool:
    return local.weekday() < 5 and 8 <= local.hour < 18
