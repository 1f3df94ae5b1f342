"""A schema that is drawn from examples: true of each of them, bounded, whatever they are."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hub.outgoing.schemas import (
    SCHEMA_MAX_DEPTH,
    infer_schema,
    list_schema_paths,
    parse_type_version,
)

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
JSON = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below)
)


@given(st.lists(JSON, min_size=1, max_size=4))
def test_it_is_true_of_each_example(examples):
    validator = Draft202012Validator(infer_schema(examples))
    assert all(validator.is_valid(example) for example in examples)


@pytest.mark.corrections(item="1.5")
def test_an_amount_of_18_digits_is_a_number():
    assert infer_schema([Decimal("1234567890123456.78"), 7]) == {"type": "number"}


def test_required_is_what_all_have():
    schema = infer_schema([{"id": 1, "total": 2}, {"id": 2, "total": 2.5, "note": None}])
    assert schema["required"] == ["id", "total"]
    assert {name: found["type"] for name, found in schema["properties"].items()} == {
        "id": "integer",
        "total": "number",
        "note": "null",
    }


def test_it_ends_where_an_example_does_not():
    example = 1
    for _ in range(500):
        example = {"in": example}
    depth, schema = 0, infer_schema([example])
    while "properties" in schema:
        depth, schema = depth + 1, schema["properties"]["in"]
    assert depth == SCHEMA_MAX_DEPTH


def test_a_condition_can_name_what_is_no_object():
    schema = infer_schema([{"id": 1, "customer": {"name": "Ann"}, "items": [{"sku": "x"}]}])
    assert list_schema_paths(schema, "data") == ["data.id", "data.customer.name", "data.items"]


@pytest.mark.parametrize(
    ("type", "version"),
    [("order.created", 1), ("order.created.v2", 2), ("v2", 1), ("order.v0", 1), ("order.v12x", 1)],
)
def test_the_version_stands_at_the_end_of_the_name(type, version):
    assert parse_type_version(type) == version
