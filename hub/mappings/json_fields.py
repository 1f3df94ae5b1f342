"""Form fields for JSON objects as text, such as the body of a mapping."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from connectors.http import format_json, parse_decimal
from hub.mappings.compiler_cache import check_body_compiles
from hub.mappings.translate import MappingError
from hub.problems import Problem
from hub.problems.strict_json import (
    TOO_MANY_DIGITS_TEXT,
    NumberParser,
    TooManyDigits,
    parse_storable_float,
    read_json,
)


def build_digits_error(refused: TooManyDigits) -> forms.ValidationError:
    return forms.ValidationError(_(TOO_MANY_DIGITS_TEXT) % {"number": refused.number})


def format_json_text(value: Any) -> str:
    return format_json(value)


class JsonObjectField(forms.CharField):
    """A JSON object as text, parsed strictly; decimals are not rounded."""

    parse_float: NumberParser = staticmethod(parse_decimal)
    widget = forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "data-code": ""})

    def clean(self, value: Any) -> dict[str, Any] | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            parsed = read_json(text.encode(), parse_float=self.parse_float)
        except TooManyDigits as refused:
            raise build_digits_error(refused) from None
        except Problem as problem:
            raise forms.ValidationError(
                _("This is not JSON. %(problem)s") % {"problem": problem.detail}
            ) from None
        except UnicodeEncodeError:
            raise forms.ValidationError(
                _("This is not valid text: it contains an unpaired surrogate.")
            ) from None
        if not isinstance(parsed, dict):
            raise forms.ValidationError(_('This is JSON, but not an object such as {"name": …}.'))
        return parsed

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the texts with the same line ends, as browsers submit CRLF."""
        return _normalize_line_ends(initial or "") != _normalize_line_ends(data or "")


def _normalize_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n")


class BodyField(JsonObjectField):
    """The body of a mapping, which must compile."""

    parse_float = staticmethod(parse_storable_float)

    def clean(self, value: Any) -> dict[str, Any] | None:
        body = super().clean(value)
        try:
            check_body_compiles(body or {})
        except MappingError as error:
            raise forms.ValidationError(str(error)) from None
        return body
