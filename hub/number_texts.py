"""Numbers and lengths of time as the reader's language writes them."""

from collections.abc import Sequence
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext_lazy

DAY, HOUR, MINUTE, SECOND = 86400, 3600, 60, 1
LENGTHS = (
    (DAY, ngettext_lazy("%(count)s day", "%(count)s days", "count")),
    (HOUR, ngettext_lazy("%(count)s hour", "%(count)s hours", "count")),
    (MINUTE, ngettext_lazy("%(count)s minute", "%(count)s minutes", "count")),
    (SECOND, ngettext_lazy("%(count)s second", "%(count)s seconds", "count")),
)
# whole texts, as a language may inflect the unit after a preposition
PAST = (
    (DAY, ngettext_lazy("%(count)s day ago", "%(count)s days ago", "count")),
    (HOUR, ngettext_lazy("%(count)s hour ago", "%(count)s hours ago", "count")),
    (MINUTE, ngettext_lazy("%(count)s minute ago", "%(count)s minutes ago", "count")),
    (SECOND, ngettext_lazy("%(count)s second ago", "%(count)s seconds ago", "count")),
)
FUTURE = (
    (DAY, ngettext_lazy("in %(count)s day", "in %(count)s days", "count")),
    (HOUR, ngettext_lazy("in %(count)s hour", "in %(count)s hours", "count")),
    (MINUTE, ngettext_lazy("in %(count)s minute", "in %(count)s minutes", "count")),
    (SECOND, ngettext_lazy("in %(count)s second", "in %(count)s seconds", "count")),
)


def format_whole(value: int) -> str:
    """Return a whole number with its digits in groups: 1,204 in English, 1.204 in German."""
    return str(number_format(value, use_l10n=True, force_grouping=True))


def format_number(value: int, limit: int | None = None) -> str:
    """Return a number as 1,204; above the counted limit as 1,000+."""
    if limit is not None and value > limit:
        return f"{format_whole(limit)}+"
    return format_whole(value)


def format_count(value: float) -> str:
    """Return a measured count as a whole number; a part of one as less than 1."""
    return gettext("less than 1") if 0 < value < 1 else format_whole(round(value))


def format_rounded(value: float, places: int = 1) -> str:
    """Return a number with so many decimals: 3.4 in English, 3,4 in German."""
    return str(number_format(value, places, use_l10n=True, force_grouping=True))


def describe_length(seconds: float) -> str:
    """Return a length of time in its largest unit: 3 days, 14 minutes."""
    return _in_largest_unit(seconds, LENGTHS)


def describe_distance(seconds: float) -> str:
    """Return how far away a time is: in 3 days; of a negative number 3 days ago."""
    return _in_largest_unit(abs(seconds), FUTURE if seconds > 0 else PAST)


def _in_largest_unit(seconds: float, texts: Sequence[tuple[int, Any]]) -> str:
    unit, text = next((entry for entry in texts if seconds >= entry[0]), texts[-1])
    return str(text % {"count": int(seconds // unit)})
