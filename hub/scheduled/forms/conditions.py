"""Conditions on records as lines of text, such as “Stage is not null” or “Stage in Won, Lost”."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from connectors.conditions import LIST_TESTS, NULL_TESTS
from hub.mappings.json_fields import build_digits_error
from hub.problems.strict_json import TooManyDigits, parse_storable_float

WORDS = {
    "is not null": "not_null",
    "is null": "null",
    "not in": "not_in",
    "in": "in",
    "!=": "not_equal",
    "=": "equal",
}
LINE_PATTERN = re.compile(
    r"(?P<field>[^\s=!]+)(?P<word>\s+(?:is not null|is null|not in|in)(?!\S)|\s*!?=)(?P<value>.*)",
    re.IGNORECASE,
)
PART_PATTERN = re.compile(r'\s*("(?:[^"\\]|\\.)*"(?=\s*(?:,|$))|[^,]+)')


class ConditionsField(forms.CharField):
    """Conditions, one on each line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(_format_condition(entry) for entry in value if isinstance(entry, Mapping))

    def clean(self, value: Any) -> list[dict[str, Any]]:
        lines = (super().clean(value) or "").splitlines()
        return [_parse_line(line.strip()) for line in lines if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the texts with the same line ends, as browsers submit CRLF."""
        before = self.prepare_value(initial or "")
        return bool(before.split("\n") != (data or "").replace("\r\n", "\n").split("\n"))


def _format_condition(condition: Mapping[str, Any]) -> str:
    test, value = condition.get("is"), condition.get("value")
    word = next((word for word, name in WORDS.items() if name == test), str(test))
    if test in NULL_TESTS:
        return f"{condition.get('field')} {word}"
    values = value if isinstance(value, list) else [value]
    texts = [_format_condition_value(entry) for entry in values]
    return f"{condition.get('field')} {word} {', '.join(texts)}"


def _format_condition_value(value: Any) -> str:
    """Return a text as it is, unless it would be read as something else; then in quotes."""
    if not isinstance(value, str):
        return json.dumps(value)
    is_plain = "," not in value and value == value.strip() and _parse_value(value) == value
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def _parse_line(line: str) -> dict[str, Any]:
    match = LINE_PATTERN.fullmatch(line)
    text = match["value"].strip() if match else ""
    test = WORDS[match["word"].strip().lower()] if match else ""
    if match is None or bool(text) is (test in NULL_TESTS):
        raise forms.ValidationError(
            _("“%(line)s” is not a condition such as “Stage is not null” or “Stage in Won, Lost”.")
            % {"line": line[:80]}
        )
    condition: dict[str, Any] = {"field": match["field"], "is": test}
    if test in LIST_TESTS:
        condition["value"] = _parse_list(text)
    elif test not in NULL_TESTS:
        condition["value"] = _parse_value(text)
    return condition


def _parse_list(text: str) -> list[Any]:
    """Return the values between commas; those in quotes may have commas."""
    return [_parse_value(part.strip()) for part in PART_PATTERN.findall(text) if part.strip()]


def _parse_value(text: str) -> Any:
    """Return a number, true, false or a text in quotes as JSON reads it, otherwise the text."""
    with suppress(ValueError, RecursionError):
        value = _load_value(text)
        if isinstance(value, str | int | float):
            return value
    return text


def _load_value(text: str) -> Any:
    try:
        return json.loads(text, parse_float=parse_storable_float)
    except TooManyDigits as refused:
        raise build_digits_error(refused) from None
