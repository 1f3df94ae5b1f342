"""A filter that is put together: what is written is a filter, and finds what was meant."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mappings.translate import compile_filter
from hub.portal.endpoints.filter_builder import (
    COMPARISONS,
    UNARY_TESTS,
    build_condition,
    join_filters,
)

ORDER = {
    "data": {
        "total": 12.5,
        "paid": True,
        "note": None,
        "customer": {"first-name": "Ann"},
        "tags": ["new", "big"],
    }
}


def texts(most):
    """As a form gives them."""
    return st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=most)


def passes_filter(filter, document=ORDER):
    return compile_filter(filter).explain(document).passed


@pytest.mark.parametrize(
    ("path", "how", "value", "passed"),
    [
        ("data.total", "is", "12.5", True),
        ("data.total", "is", "text", False),
        ("data.total", "more", "12", True),
        ("data.total", "most", "12", False),
        ("data.paid", "is", "true", True),
        ("data.paid", "is_not", "true", False),
        ("data.customer.first-name", "is", "Ann", True),
        ("data.customer.first-name", "begins", "An", True),
        ("data.customer.first-name", "contains", "nn", True),
        ("data.tags", "contains", "big", True),
        ("data.total", "contains", "2.5", True),
        ("data.note", "there", "", False),
        ("data.nothing.at.all", "absent", "", True),
        ("data.nothing", "begins", "x", False),
        ("data.nothing", "more", "1", False),
    ],
)
def test_a_condition_finds_the_intended_events(path, how, value, passed):
    assert passes_filter(build_condition(path, how, value)) is passed


@pytest.mark.parametrize("path", ["", ".", "data.", "data..total"])
def test_what_names_nothing_is_refused(path):
    with pytest.raises(ValueError, match="Enter a field"):
        build_condition(path, "is", "1")


@pytest.mark.parametrize("value", ["ten", "", "true", "NaN", "1e999", "[1]", "9" * 5000])
def test_only_numbers_are_more_than_others(value):
    with pytest.raises(ValueError, match="requires a number"):
        build_condition("data.total", "more", value)


@given(value=texts(60))
def test_any_text_is_compared_as_it_stands(value):
    read = plain(value)
    assert passes_filter(build_condition("data.x", "is", value), {"data": {"x": read}})
    assert (
        passes_filter(
            build_condition("data.x", "contains", value), {"data": {"x": f"before {value} after"}}
        )
        or not value
    )


def plain(value):
    """Numbers, true, false and null are themselves; endless and nested ones are text."""
    try:
        read = json.loads(value, parse_constant=str)
    except ValueError:
        return value
    return (
        read
        if read is None or (isinstance(read, bool | int | float) and abs(read) < 2**63)
        else value
    )


@pytest.mark.corrections(item="1.5")
def test_a_number_of_18_digits_is_compared_by_all_of_them():
    condition = compile_filter(build_condition("data.total", "is", "1234567890123456.78"))
    totals = [Decimal("1234567890123456.78"), Decimal("1234567890123456.79")]
    assert [condition.passes({"data": {"total": total}}) for total in totals] == [True, False]


@given(path=texts(30), how=st.sampled_from([*COMPARISONS, *UNARY_TESTS]), value=texts(30))
def test_whatever_is_filled_in_is_a_filter_or_refused(path, how, value):
    try:
        written = build_condition(path, how, value)
    except ValueError as refusal:
        assert str(refusal)
    else:
        assert passes_filter(written) in (True, False)


def test_what_was_there_stays_as_a_whole():
    filter = join_filters("data.total > `100` || data.paid", "and", "data.note != `null`")
    assert (
        filter == "(data.total > `100` || data.paid) && data.note != `null`"
        and not passes_filter(filter)
    )
    assert join_filters("a", "or", "b") == "a || b" and join_filters("  ", "or", "b") == "b"
