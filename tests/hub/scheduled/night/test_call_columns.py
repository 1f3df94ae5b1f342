"""Calls of a night are counted by minute, over the whole of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.scheduled.night.call_columns import (
    COLUMNS_MAX,
    Span,
    count_calls_in_columns,
    find_range,
)
from tests.factories import MINUTE, NOON


def span(start, minutes, calls):
    return Span.between(NOON + start * MINUTE, NOON + (start + minutes) * MINUTE, {"app": calls})


def test_calls_are_spread_over_the_minutes_of_a_run():
    spans = [span(0, 4, 40), span(2, 2, 10)]
    length, columns = count_calls_in_columns(spans, find_range(spans, now=NOON))
    assert length == MINUTE
    assert columns["app"] == pytest.approx([10, 10, 15, 15])


def test_a_long_night_has_wide_columns_with_the_mean_of_their_minutes():
    spans = [span(0, 600, 6_000)]
    length, columns = count_calls_in_columns(spans, find_range(spans, now=NOON))
    assert length == 5 * MINUTE
    assert len(columns["app"]) == 120
    assert columns["app"][7] == pytest.approx(10)


@given(
    st.lists(
        st.tuples(st.floats(0, 3000), st.floats(0, 500), st.integers(0, 9_000)),
        min_size=1,
        max_size=9,
    )
)
def test_no_call_is_lost(values):
    spans = [span(*value) for value in values]
    length, columns = count_calls_in_columns(spans, find_range(spans, now=NOON))
    row = columns.get("app", [])
    assert len(row) <= COLUMNS_MAX
    assert sum(row) * (length / MINUTE) == pytest.approx(sum(calls for *_, calls in values))


def test_a_night_without_runs_is_one_minute():
    assert find_range([], now=NOON).ends_at - NOON == MINUTE
