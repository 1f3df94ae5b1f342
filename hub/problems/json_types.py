"""Check that values have the JSON type of their field: a number is not a string, for example."""

from typing import Any

from rest_framework import serializers

TEXT_FIELDS = (
    serializers.CharField,
    serializers.ChoiceField,
    serializers.UUIDField,
    serializers.DateTimeField,
)


def describe_type_error(field: serializers.Field, value: Any, *, from_query: bool = False) -> str:
    """Return why the value has the wrong JSON type for the field; "" if its type is right.

    from_query: the value comes from a query, where every value is a string.
    """
    if value is None:
        return ""  # the field itself says whether it takes null
    if isinstance(field, TEXT_FIELDS):
        return "" if isinstance(value, str) else "Must be a JSON string."
    if from_query:
        return ""
    if isinstance(field, serializers.IntegerField):
        return "" if type(value) is int else "Must be a JSON integer."
    if isinstance(field, serializers.BooleanField):
        return "" if isinstance(value, bool) else "Must be true or false."
    return ""


def describe_type_errors(field: serializers.Field, value: Any, *, from_query: bool = False) -> Any:
    """Return the type error of a field, or of a list's items by index; empty if there is none."""
    if not isinstance(field, serializers.ListField) or not isinstance(value, list):
        return describe_type_error(field, value, from_query=from_query)
    return {
        index: type_error
        for index, item in enumerate(value)
        if (type_error := describe_type_error(field.child, item, from_query=from_query))
    }
