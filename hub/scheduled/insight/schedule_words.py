"""Describe a cron expression as text."""

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

DAYS = (
    gettext_lazy("Sunday"),
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
)
DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
EVERY = "*"


def describe_schedule(cron: str) -> str:
    """Return when a cron expression is due, as text; one without a short description is quoted.

    The text contains local times; the caller adds the time zone.
    """
    fields = cron.lower().split()
    if len(fields) == 5:
        minute, hour, day, month, weekday = fields
        for describe in DESCRIPTIONS if month == EVERY else ():
            if words := describe(minute, hour, day, weekday):
                return words
    return _("By the cron expression %(cron)s") % {"cron": cron}


def describe_every_minutes(minute: str, hour: str, day: str, weekday: str) -> str:
    """Describe `* * * * *` and `*/10 * * * *`."""
    step = parse_step(minute)
    if (hour, day, weekday) != (EVERY, EVERY, EVERY) or not step:
        return ""
    return ngettext("Every minute", "Every %(count)s minutes", step) % {"count": step}


def describe_every_hours(minute: str, hour: str, day: str, weekday: str) -> str:
    """Describe `15 * * * *` and `15 */2 * * *`."""
    step = parse_step(hour)
    if (day, weekday) != (EVERY, EVERY) or not minute.isdecimal() or not step:
        return ""
    names = {"count": step, "minute": int(minute)}
    return (
        ngettext(
            "Every hour at minute %(minute)s", "Every %(count)s hours at minute %(minute)s", step
        )
        % names
    )


def describe_daily(minute: str, hour: str, day: str, weekday: str) -> str:
    """Describe `30 2 * * *`, also with several hours."""
    times = format_times(minute, hour)
    if (day, weekday) != (EVERY, EVERY) or not times:
        return ""
    return _("Every day at %(times)s") % {"times": times}


def describe_weekly(minute: str, hour: str, day: str, weekday: str) -> str:
    """Describe `0 9 * * mon` and `0 9 * * 1-5`."""
    times, days = format_times(minute, hour), format_days(weekday)
    if day != EVERY or not times or not days:
        return ""
    return _("Every %(days)s at %(times)s") % {"days": days, "times": times}


def describe_monthly(minute: str, hour: str, day: str, weekday: str) -> str:
    """Describe `0 9 1 * *`."""
    times = format_times(minute, hour)
    if weekday != EVERY or not times or not day.isdecimal():
        return ""
    return _("On day %(day)s of every month at %(times)s") % {"day": int(day), "times": times}


Description = Callable[[str, str, str, str], str]
DESCRIPTIONS: tuple[Description, ...] = (
    describe_every_minutes,
    describe_every_hours,
    describe_daily,
    describe_weekly,
    describe_monthly,
)


def parse_step(field: str) -> int:
    """Return the n of `*/n`, and 1 for `*`; 0 for anything else."""
    if field == EVERY:
        return 1
    step = field.removeprefix("*/")
    return int(step) if field.startswith("*/") and step.isdecimal() else 0


def format_times(minute: str, hour: str) -> str:
    """Return times such as "02:30, 14:30"; empty unless both fields are lists of numbers."""
    hours = hour.split(",")
    if not minute.isdecimal() or not all(part.isdecimal() for part in hours):
        return ""
    return ", ".join(f"{int(part):02}:{int(minute):02}" for part in hours)


def format_days(weekday: str) -> str:
    """Return days of the week such as "Monday to Friday"; empty if the field is something else."""
    parts = [format_day_range(part) for part in weekday.split(",")]
    return ", ".join(dict.fromkeys(parts)) if all(parts) else ""


def format_day_range(part: str) -> str:
    first, _dash, last = part.partition("-")
    names = [find_day(name) for name in (first, last) if name]
    if not all(names) or (_dash and len(names) < 2):
        return ""
    if len(names) == 1:
        return names[0]
    return _("%(first)s to %(last)s") % {"first": names[0], "last": names[1]}


def find_day(name: str) -> str:
    """Return the day with this number (0 and 7: Sunday) or English abbreviation; empty if none."""
    if name in DAY_NAMES:
        return str(DAYS[DAY_NAMES.index(name)])
    return str(DAYS[int(name) % 7]) if name.isdecimal() and int(name) <= 7 else ""
