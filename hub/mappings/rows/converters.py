"""Converters: expressions around a path that have a name, recognized in both directions."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Converter:
    """A named expression around one path: `before`, the path, `after`."""

    key: str
    label: str | Promise
    before: str
    after: str = ")"

    def wrap(self, path: str) -> str:
        return f"{self.before}{path}{self.after}"

    def unwrap(self, expression: str) -> str:
        """Return the expression inside; "" if the outer expression has another form."""
        is_wrapped = expression.startswith(self.before) and expression.endswith(self.after)
        return expression[len(self.before) : -len(self.after)] if is_wrapped else ""


CONVERTERS = {
    converter.key: converter
    for converter in (
        Converter("text", _("as text"), "text("),
        Converter("number", _("as a number"), "to_number("),
        Converter("whole", _("rounded to a whole number"), "round(", ", `0`)"),
        Converter("cents", _("rounded to two decimals"), "round(", ", `2`)"),
        Converter("date", _("date in your time zone"), "format_date(", ", 'YYYY-MM-DD')"),
        Converter("datetime", _("date and time in your time zone"), "to_zone("),
        Converter("clock", _("date and time for people"), "format_date(", ", 'D MMM YYYY, HH:mm')"),
        Converter("epoch", _("seconds since 1970"), "epoch("),
        Converter("lower", _("lower case"), "lower("),
        Converter("upper", _("upper case"), "upper("),
        Converter("trim", _("without spaces around"), "trim("),
        Converter("escape", _("safe in a Slack message"), "escape("),
        Converter("short", _("at most 80 characters"), "truncate(", ", `80`)"),
        Converter("long", _("at most 255 characters"), "truncate(", ", `255`)"),
    )
}
