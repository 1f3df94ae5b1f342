"""Validate the body or the query of a request by a serializer, and name fields as REST does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.serializers import Serializer

FIELDS_BY_COLUMN = {"connector_key": "connector", "origin_connector_key": "origin_connector"}


def validate_data(serializer_class: type[Serializer], data: Any, **context: Any) -> dict[str, Any]:
    """Return the validated values. Raises ValidationError."""
    serializer = serializer_class(data=data, context=context)
    serializer.is_valid(raise_exception=True)
    validated: dict[str, Any] = serializer.validated_data
    return validated


@contextmanager
def translate_field_names() -> Iterator[None]:
    """Rename the fields in a ValidationError from the model's names to those of REST."""
    try:
        yield
    except ValidationError as error:
        problems = {
            FIELDS_BY_COLUMN.get(name, name): problem for name, problem in error.error_dict.items()
        }
        raise ValidationError(problems) from error
