"""Values that a page reads from its URL: each is what a field of a form accepts, or ignored."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# beyond these years a time cannot be written in every time zone and by every database
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
MAX_DIGITS = 18  # of a number that every column of ids can hold


def validate_moment(moment: datetime) -> None:
    if not EARLIEST <= moment < LATEST:
        raise ValidationError(_("Enter a time between the years 1900 and 9998."))


class MomentField(forms.DateTimeField):
    """A time between 1900 and 9998."""

    default_validators = [validate_moment]


class LocalDateTimeField(MomentField):
    """A time that is entered with the browser's picker, in the active time zone."""

    widget = forms.DateTimeInput(
        attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"
    )


def parse_number(text: str) -> int | None:
    """Return the number that a URL names; None if the text is none, or too large for an id."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
    return int(text) if is_number else None


def select_valid_values(
    fields: Mapping[str, forms.Field], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values that these fields accept, for the initial data of their form."""
    return {
        name: value
        for name, value in values.items()
        if name in fields and _is_valid(fields[name], value)
    }


def _is_valid(field: forms.Field, value: Any) -> bool:
    try:
        field.clean(value)
    except (ValidationError, OverflowError):  # the latter by SQLite, for an id of too many digits
        return False
    return True
