"""Any expression and any value: read or refused, stored or refused."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.mappings.expressions.budget import Budget, ExpressionRefused
from hub.mappings.expressions.functions import Functions
from hub.mappings.expressions.language import Evaluation, parse_expression
from hub.mappings.expressions.output import Output, format_excerpt

BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = {("user", "7"): "U7"}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(json_values)
def test_what_comes_out_can_be_stored_or_is_refused(value):
    try:
        plain = Output().copy_plain(value)
    except ExpressionRefused:
        return
    assert plain == value
    assert "\0" not in repr(plain).encode().decode()


@settings(deadline=None)
@given(json_values)
def test_any_value_has_a_short_form(value):
    text = format_excerpt(value)
    assert len(text) <= 200
    assert "\0" not in text.encode().decode()


@settings(deadline=None)
@given(st.text(st.sampled_from("ab.[]{}()|&!<>=*@`'\",:?-1 \\\n"), max_size=60))
def test_reading_refuses_or_gives_an_expression(text):
    try:
        assert parse_expression(text).text == text
    except ExpressionRefused as refused:
        assert refused.message


@pytest.mark.parametrize("text", ["a", "a.b", '"a b".c', "a.b.c.d", "list.b"])
@pytest.mark.parametrize(
    "document", [{}, {"a": 1}, {"a": {"b": [2]}}, {"a b": {"c": None}}, {"list": [{"b": 1}]}, []]
)
def test_a_path_of_names_is_found_as_the_interpreter_finds_it_at_the_same_price(text, document):
    expression, short_way, long_way = parse_expression(text), Budget(), Budget()
    found = Evaluation(Functions(short_way, BERLIN, PEOPLE.get)).value(expression, document)
    assert expression.names
    assert found == Evaluation(Functions(long_way, BERLIN, PEOPLE.get)).visit(
        expression.tree, document
    )
    assert short_way.remaining_steps == long_way.remaining_steps


@pytest.mark.parametrize(
    "text", ["a[0]", "a.*", "a || b", "a.b[]", "upper(a)", "'a'", "@", "a.{b: c}"]
)
def test_anything_but_names_takes_the_long_way(text):
    assert parse_expression(text).names == ()
