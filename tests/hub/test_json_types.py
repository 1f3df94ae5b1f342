"""A field reads its own JSON type."""

import pytest
from rest_framework import serializers

from hub.problems.json_types import describe_type_error, describe_type_errors


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        (serializers.IntegerField(), "3", "Must be a JSON integer."),
        (serializers.IntegerField(), True, "Must be a JSON integer."),
        (serializers.IntegerField(), 3, ""),
        (serializers.BooleanField(), "true", "Must be true or false."),
        (serializers.UUIDField(), 1, "Must be a JSON string."),
        (serializers.DateTimeField(), 1764072000, "Must be a JSON string."),
        (serializers.ChoiceField(["1"]), 1, "Must be a JSON string."),
        (serializers.CharField(), None, ""),
    ],
)
def test_a_field_reads_its_own_json_type(field, value, detail):
    assert describe_type_error(field, value) == detail


def test_an_item_of_a_list_is_pointed_at():
    assert describe_type_errors(serializers.ListField(child=serializers.CharField()), ["a", 2]) == {
        1: "Must be a JSON string."
    }


def test_a_query_carries_texts():
    assert describe_type_error(serializers.IntegerField(), "3", from_query=True) == ""
