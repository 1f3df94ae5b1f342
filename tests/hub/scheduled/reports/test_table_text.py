import json
from decimal import Decimal
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.scheduled.reports.figures import (
    FigureInvalid,
    Figures,
    Measure,
    Row,
    build_figures,
    format_figure,
    parse_figure,
    write_figure,
)
from hub.scheduled.reports.table_text import TABLE_LENGTH_MAX, format_table, measure_width


def figures_of(*rows, measures=("Orders", "Total")):
    built = [Row(label, tuple(map(parse_figure, values))) for label, *values in rows]
    return build_figures("Day", [Measure(name) for name in measures], built)


def test_a_table_has_columns_and_exact_totals():
    figures = figures_of(("Mon 16 Nov", 2, 0.1), ("Tue 17 Nov", 11, "1234.20"))
    assert format_table(figures).splitlines() == [
        "Day         Orders     Total",
        "Mon 16 Nov       2      0.10",
        "Tue 17 Nov      11  1,234.20",
        "Total           13  1,234.30",
    ]


def test_columns_stay_in_line_behind_wide_and_combining_characters():
    figures = figures_of(("東京", 1, 2), ("Cafe\u0301", 10, 20), ("plain", 100, 200))
    lines = format_table(figures).splitlines()
    assert len({measure_width(line) for line in lines}) == 1


def test_a_single_row_has_no_total():
    assert len(format_table(figures_of(("November", 3, 4))).splitlines()) == 2


def test_more_columns_than_a_table_can_have_are_refused():
    with pytest.raises(FigureInvalid):
        figures_of(("a", *range(13)), measures=[str(number) for number in range(13)])


def test_what_is_not_additive_has_no_total():
    rows = [Row("a", (Decimal(1), Decimal(5))), Row("b", (Decimal(2), None))]
    figures = build_figures("Owner", [Measure("Orders"), Measure("avg", is_additive=False)], rows)
    assert figures.totals == (Decimal(3), None)
    assert format_table(figures).splitlines()[-1].split() == ["Total", "3"]
    assert format_table(figures).splitlines()[2].split() == ["b", "2", "–"]


@given(
    labels=st.lists(st.text(max_size=100), min_size=1, max_size=300),
    names=st.lists(st.text(max_size=100), min_size=1, max_size=12),
    value=st.decimals(-(10**30), 10**30, allow_nan=False),
)
def test_a_table_of_anything_fits_and_has_only_printable_lines(labels, names, value):
    rows = ((label, *[value] * len(names)) for label in labels)
    figures = figures_of(*rows, measures=names)
    text = format_table(figures)
    assert len(escape(text)) <= TABLE_LENGTH_MAX
    assert all(line.isprintable() for line in text.split("\n"))


def test_rows_that_do_not_fit_are_counted():
    text = format_table(figures_of(*((f"<row & {number}>", number, 1) for number in range(250))))
    shown = sum(line.startswith("<row") for line in text.splitlines())
    assert f"… and {250 - shown} more rows" in text and text.splitlines()[-1].startswith("Total")


@pytest.mark.parametrize(
    "value", ["NaN", float("nan"), float("inf"), "1e31", 10**400, True, [], "12,5", "", "\ud800"]
)
def test_what_is_no_possible_number_is_refused(value):
    with pytest.raises(FigureInvalid):
        parse_figure(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), ("12.50", "12.50"), (0.1, "0.10"), (None, "–"), (-1234567, "-1,234,567")],
)
def test_numbers_are_shown_for_people(value, text):
    assert format_figure(parse_figure(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("5614.0", "5614"), ("100.30", "100.3"), ("1E+3", "1000"), ("0.00", "0"), ("-0.10", "-0.1")],
)
def test_numbers_are_written_exactly_for_programs(value, text):
    assert write_figure(parse_figure(value)) == text
    assert parse_figure(write_figure(parse_figure(value))) == parse_figure(value)


def test_figures_survive_the_cursor_of_a_run():
    figures = figures_of(("a", "0.10", None), ("b", 10**20, -3))
    assert Figures.from_json(json.loads(json.dumps(figures.to_json()))) == figures
    assert figures.totals == (Decimal("100000000000000000000.10"), Decimal(-3))


def test_only_zeros_are_an_empty_period():
    assert figures_of(("a", 0, None), ("b", 0.0, "0.00")).is_empty
    assert not figures_of(("a", 0, None), ("b", 0.01, 0)).is_empty
