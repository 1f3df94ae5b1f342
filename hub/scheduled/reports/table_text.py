"""Format a table of figures as text in columns, for a monospaced font."""

import unicodedata
from collections.abc import Sequence
from html import escape

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.scheduled.reports.figures import Figures, clean_label, format_figure

LABEL_WIDTH = 28  # cells of the font; a wide character takes two
# characters with HTML escapes: a section of a Slack message takes 3,000, with the title above it
TABLE_LENGTH_MAX = 2_300
WIDE_CLASSES = ("W", "F")
COLUMN_GAP = "  "


def format_table(figures: Figures) -> str:
    """Return a heading, a line for each row, and the totals if there are several rows.

    Rows beyond TABLE_LENGTH_MAX are counted in a last line. Markup characters are not escaped; the
    caller has to do this.
    """
    names = [measure.name for measure in figures.measures]
    lines = [[clean_label(figures.heading), *names]]
    lines += [[row.label, *map(format_figure, row.values)] for row in figures.rows]
    totals = _list_totals(figures)
    for line in (*lines, *totals):
        line[0] = _cut_to_width(line[0], LABEL_WIDTH)
    widths = [max(map(measure_width, column)) for column in zip(*lines, *totals, strict=True)]
    texts = [_align_line(line, widths) for line in lines]
    return _join_lines(texts, [_align_line(line, widths) for line in totals], figures.left_out)


def _list_totals(figures: Figures) -> list[list[str]]:
    if len(figures.rows) < 2 or all(total is None for total in figures.totals):
        return []
    cells = ["" if total is None else format_figure(total) for total in figures.totals]
    return [[_("Total"), *cells]]


def _join_lines(lines: Sequence[str], totals: Sequence[str], left_out: int) -> str:
    shown_lines = list(lines)
    while True:
        hidden = len(lines) - len(shown_lines) + left_out
        note = [ngettext("… and %d more row", "… and %d more rows", hidden) % hidden]
        text = "\n".join([*shown_lines, *(note if hidden else []), *totals])
        if len(escape(text)) <= TABLE_LENGTH_MAX or len(shown_lines) <= 1:
            return text
        shown_lines.pop()


def _align_line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return the label left-aligned, and the numbers right-aligned in their columns."""
    label, *numbers = cells
    parts = [label + " " * (widths[0] - measure_width(label))]
    parts += [
        " " * (width - measure_width(number)) + number
        for number, width in zip(numbers, widths[1:], strict=True)
    ]
    return COLUMN_GAP.join(parts).rstrip()


def measure_width(text: str) -> int:
    """Return how many columns a text takes: two for a wide character, none for a combining one."""
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in WIDE_CLASSES
        else 1
        for character in text
    )


def _cut_to_width(text: str, width: int) -> str:
    if measure_width(text) <= width:
        return text
    cut = text
    while measure_width(cut) > width - 1:
        cut = cut[:-1]
    return f"{cut}…"
