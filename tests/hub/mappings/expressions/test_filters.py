"""Filters: what they pass, and which clause refused, with what it looked at."""

import pytest

from hub.mappings.translate import FilterExplanation, MappingError, MappingFailed, compile_filter
from tests.hub.mappings.example_order import ORDER


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("type == 'order.created'", True),
        ("data.total > `100`", False),
        ("data.total > `10` && data.currency == 'EUR'", True),
        ("data.total > 'x'", False),
        ("data.lines[?n > `1`]", True),
        ("data.lines[?n > `9`]", False),
        ("data.nothing", False),
        ("!(data.nothing)", True),
        ("`0`", True),
        ("format_date(occurred_at, 'H') == '12'", True),
    ],
)
def test_a_filter_passes_what_is_true(expression, passes):
    assert compile_filter(expression).passes(ORDER) is passes
    assert compile_filter(expression).explain(ORDER).passed is passes


@pytest.mark.parametrize(
    ("expression", "clause", "value"),
    [
        ("type == 'order.created' && data.total > `100` && id", "data.total > `100`", "40"),
        ("'USD' == data.currency", "'USD' == data.currency", '"EUR"'),
        ("id && !(data.owner)", "!(data.owner)", "7"),
        ("starts_with(type, 'deal.') && id", "starts_with(type, 'deal.')", '"order.created"'),
        ("length(data.lines) > `2`", "length(data.lines) > `2`", "2"),
        ("data.vip || data.total > `100`", "data.vip || data.total > `100`", "false"),
        ("data.vip", "data.vip", "null"),
        ("`false`", "`false`", "false"),
    ],
)
def test_the_clause_that_refused_is_named_with_what_it_looked_at(expression, clause, value):
    assert compile_filter(expression).explain(ORDER) == FilterExplanation(False, clause, value)


def test_a_filter_that_cannot_be_worked_out_names_its_clause():
    chain = compile_filter("id && starts_with(data.total, 'x')")
    with pytest.raises(MappingFailed) as error:
        chain.explain(ORDER)
    assert (error.value.expression, error.value.value) == ("starts_with(data.total, 'x')", "40")
    with pytest.raises(MappingFailed):
        chain.passes(ORDER)


@pytest.mark.parametrize("expression", ["", "type =", "shout(id)", "identity('user', id) && id"])
def test_a_filter_with_a_mistake_is_not_saved(expression):
    with pytest.raises(MappingError):
        compile_filter(expression)
