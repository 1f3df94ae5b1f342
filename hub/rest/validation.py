"""Validate the body or the query of a request by a serializer."""

from typing import Any

from rest_framework.serializers import Serializer


def validate_data(serializer_class: type[Serializer], data: Any, **context: Any) -> dict[str, Any]:
    """Return the validated values. Raises ValidationError."""
    serializer = serializer_class(data=data, context=context)
    serializer.is_valid(raise_exception=True)
    validated: dict[str, Any] = serializer.validated_data
    return validated
