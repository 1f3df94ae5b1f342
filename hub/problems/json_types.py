"""The JSON type that a field reads: a number does not pass for a text, nor a text for a number."""

from typing import Any

from rest_framework import serializers

TEXTS = (
    serializers.CharField,
    serializers.ChoiceField,
    serializers.UUIDField,
    serializers.DateTimeField,
)


def wrong_type(field: serializers.Field, value: Any, *, from_query: bool = False) -> str:
    """Why the field does not read this value; empty where it does. A query carries texts only."""
    if value is None:
        return ""  # the field itself says whether it takes null
    if isinstance(field, TEXTS):
        return "" if isinstance(value, str) else "Must be a JSON string."
    if from_query:
        return ""
    if isinstance(field, serializers.IntegerField):
        return "" if type(value) is int else "Must be a JSON integer."
    if isinstance(field, serializers.BooleanField):
        return "" if isinstance(value, bool) else "Must be true or false."
    return ""


def wrong_types(field: serializers.Field, value: Any, *, from_query: bool = False) -> Any:
    """The same, and for each item of a list; falsy where everything is right."""
    if not isinstance(field, serializers.ListField) or not isinstance(value, list):
        return wrong_type(field, value, from_query=from_query)
    return {
        place: wrong
        for place, item in enumerate(value)
        if (wrong := wrong_type(field.child, item, from_query=from_query))
    }
