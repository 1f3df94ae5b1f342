"""Build the document of a report, from which its field mapping renders a message."""

from typing import Any

from django.utils.translation import gettext as _

from hub.scheduled.reports.figures import Figures, clean_label, format_figure, write_figure
from hub.scheduled.reports.options import ReportOptions
from hub.scheduled.reports.periods import Period
from hub.scheduled.reports.table_text import format_table

MAX_TITLE_LENGTH = 100  # characters


def build_report(
    options: ReportOptions, figures: Figures, period: Period, *, name: str, picture: str
) -> dict[str, Any]:
    """Return the data of a report's event.

    `table` is text in columns, empty for an empty period; `picture` names an uploaded file; both
    are plain text, which the mapping escapes. Numbers of `rows` are exact, as text.
    """
    title = clean_label(options.title or name, MAX_TITLE_LENGTH)
    is_empty = figures.is_empty
    return {
        "title": title,
        "subtitle": build_subtitle(figures, period),
        "summary": f"{title}: {describe_totals(figures) or describe_nothing(period)}",
        "period": period.to_json(),
        "is_empty": is_empty,
        "columns": [figures.heading, *(measure.name for measure in figures.measures)],
        "rows": [[row.label, *map(write_figure, row.values)] for row in figures.rows],
        "totals": list(map(write_figure, figures.totals)),
        "table": "" if is_empty else format_table(figures),
        "channel": options.message.channel,
        "picture": {"id": picture} if picture else None,
    }


def build_subtitle(figures: Figures, period: Period) -> str:
    """Return the days and the time zone; for an empty period, a sentence that there is nothing."""
    subtitle = f"{period.label} ({period.zone.key})"
    if not figures.is_empty:
        return subtitle
    sentence = _("There are none.") if period.is_moment else _("Nothing happened in this period.")
    return f"{subtitle}\n{sentence}"


def describe_nothing(period: Period) -> str:
    return _("none") if period.is_moment else _("nothing in this period")


def describe_totals(figures: Figures) -> str:
    """Return the totals in one line; "" if there are none."""
    if figures.is_empty:
        return ""
    pairs = zip(figures.measures, figures.totals, strict=True)
    return ", ".join(
        f"{measure.name}: {format_figure(total)}" for measure, total in pairs if total is not None
    )
