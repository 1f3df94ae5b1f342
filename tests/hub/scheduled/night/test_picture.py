"""A night is drawn: calls by minute, planned and actual, over the whole of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.scheduled.night.picture import (
    COLUMNS_MAX,
    NightRun,
    Span,
    count_calls_in_columns,
    find_range,
)
from tests.factories import MINUTE, NOON


def night_run(planned, actual=None):
    return NightRun("job", "tenant", "finished", planned, actual, NOON, False)


def span(start, minutes, calls):
    return Span.between(NOON + start * MINUTE, NOON + (start + minutes) * MINUTE, {"app": calls})


def test_calls_are_spread_over_the_minutes_of_a_run():
    runs = [night_run(span(0, 4, 40), span(1, 2, 40)), night_run(span(2, 2, 10))]
    length, columns = count_calls_in_columns(runs, find_range(runs, now=NOON))
    assert length == MINUTE
    assert [column.planned for column in columns["app"]] == pytest.approx([10, 10, 15, 15])
    assert [column.actual for column in columns["app"]] == pytest.approx([0, 20, 20, 0])


def test_a_long_night_has_wide_columns_with_the_mean_of_their_minutes():
    runs = [night_run(span(0, 600, 6_000))]
    length, columns = count_calls_in_columns(runs, find_range(runs, now=NOON))
    assert length == 5 * MINUTE
    assert len(columns["app"]) == 120
    assert columns["app"][7].planned == pytest.approx(10)


@given(
    st.lists(
        st.tuples(st.floats(0, 3000), st.floats(0, 500), st.integers(0, 9_000)),
        min_size=1, max_size=9,
    )
)  # fmt: skip
def test_no_call_is_lost(spans):
    runs = [night_run(span(*values)) for values in spans]
    length, columns = count_calls_in_columns(runs, find_range(runs, now=NOON))
    rows = columns.get("app", [])
    drawn = sum(column.planned for column in rows) * (length / MINUTE)
    total = sum(calls for *_, calls in spans)
    assert len(rows) <= COLUMNS_MAX
    assert drawn == pytest.approx(total)


def test_a_night_without_runs_is_one_minute():
    assert find_range([], now=NOON).ends_at - NOON == MINUTE
