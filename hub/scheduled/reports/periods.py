"""The periods of reports: whole days of the tenant's time zone. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first_day` up to but not including `end_day`.

    `is_moment`: what is reported is the state on that one day, of whatever age.
    """

    first_day: date
    end_day: date
    zone: ZoneInfo
    is_moment: bool = False

    @property
    def start(self) -> datetime:
        """Return the beginning of the first day, in UTC."""
        return find_start_of_day(self.first_day, self.zone)

    @property
    def end(self) -> datetime:
        """Return the end of the last day, in UTC."""
        return find_start_of_day(self.end_day, self.zone)

    @property
    def last_day(self) -> date:
        return self.end_day - ONE_DAY

    @property
    def label(self) -> str:
        """Return the days as text, such as “16 Nov 2026 – 22 Nov 2026”."""
        if self.is_moment:
            return _("as of %(day)s") % {"day": f"{self.first_day:%-d %b %Y}"}
        first, last = f"{self.first_day:%-d %b %Y}", f"{self.last_day:%-d %b %Y}"
        return first if first == last else f"{first} – {last}"

    def to_json(self) -> dict[str, str | None]:
        """Return start and end with offsets of the zone; of a moment if its day has no start."""
        return {
            "from": None if self.is_moment else self.start.astimezone(self.zone).isoformat(),
            "until": self.end.astimezone(self.zone).isoformat(),
            "time_zone": self.zone.key,
            "label": self.label,
        }


def find_start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a local day, in UTC.

    If the clock is set forward at midnight, this is the moment of the change; if midnight occurs
    twice, the first one.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _find_last_day(today: date) -> tuple[date, date]:
    return today - ONE_DAY, today


def _find_last_week(today: date) -> tuple[date, date]:
    monday = find_monday(today)
    return monday - 7 * ONE_DAY, monday


def _find_last_month(today: date) -> tuple[date, date]:
    end = today.replace(day=1)
    return (end - ONE_DAY).replace(day=1), end


def _find_last_quarter(today: date) -> tuple[date, date]:
    end = today.replace(month=today.month - (today.month - 1) % 3, day=1)
    last = end - ONE_DAY
    return last.replace(month=last.month - 2, day=1), end


PERIODS: Mapping[str, Callable[[date], tuple[date, date]]] = {
    "last_day": _find_last_day,
    "last_week": _find_last_week,
    "last_month": _find_last_month,
    "last_quarter": _find_last_quarter,
}


def find_period(name: str, at: datetime, zone: ZoneInfo) -> Period:
    """Return the last complete period of this name before a moment. Raises LookupError."""
    return Period(*PERIODS[name](at.astimezone(zone).date()), zone)


def find_day(at: datetime, zone: ZoneInfo) -> Period:
    """Return the day of a moment, for a report of a state that has no period."""
    today = at.astimezone(zone).date()
    return Period(today, today + ONE_DAY, zone, is_moment=True)


def find_monday(day: date) -> date:
    return day - day.weekday() * ONE_DAY


def _find_next_month(day: date) -> date:
    return (day.replace(day=1) + 31 * ONE_DAY).replace(day=1)


# the beginning of the part after the one that a day belongs to
NEXT_PARTS: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day + ONE_DAY,
    "week": lambda day: find_monday(day) + 7 * ONE_DAY,
    "month": _find_next_month,
}


def split_period(period: Period, part: str) -> list[Period]:
    """Return the days, weeks or months of a period; weeks begin on Monday. Raises LookupError."""
    find_next = NEXT_PARTS[part]
    parts, first = [], period.first_day
    while first < period.end_day:
        end = min(find_next(first), period.end_day)
        parts.append(Period(first, end, period.zone))
        first = end
    return parts


def format_part(period: Period) -> str:
    """Return the label of a part in a table, such as “Mon 16 Nov” or “16 Nov – 22 Nov”."""
    if period.first_day == period.last_day:
        return f"{period.first_day:%a %-d %b}"
    if period.first_day.day == 1 and period.end_day == _find_next_month(period.first_day):
        return f"{period.first_day:%b %Y}"
    return f"{period.first_day:%-d %b} – {period.last_day:%-d %b}"
