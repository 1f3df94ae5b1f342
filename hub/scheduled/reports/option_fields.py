"""Check options by their type and their allowed values; each error has the path of its option."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from hub.scheduled.jobs.option_errors import (
    NOT_AN_OBJECT,
    NOT_ONE_OF,
    REQUIRED,
    TOO_MANY_ENTRIES,
    UNKNOWN_OPTION,
)

NAME_PATTERN = re.compile(
    r"[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79}){0,5}", re.ASCII
)
MAX_TEXT_LENGTH, SHORT_TEXT_LENGTH_MAX = 200, 30  # characters

Errors = dict[str, str]
# adds what is wrong with a value to the errors, under its path
FieldCheck = Callable[[Any, str, Errors], None]


@dataclass(frozen=True, slots=True)
class Section:
    """An object of options. `required`: names without which it is invalid."""

    fields: Mapping[str, FieldCheck]
    required_names: Collection[str] = ()

    def __call__(self, value: Any, path: str, errors: Errors) -> None:
        if not isinstance(value, Mapping):
            errors[path] = _(NOT_AN_OBJECT)
            return
        for name in self.required_names:
            if value.get(name) in (None, "", [], {}):
                errors[join_path(path, name)] = _(REQUIRED)
        for name, entry in value.items():
            entry_path = join_path(path, str(name)[:80])
            if name not in self.fields:
                errors[entry_path] = _(UNKNOWN_OPTION)
            elif entry_path not in errors:
                self.fields[name](entry, entry_path, errors)


def join_path(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def one_of(*allowed: str) -> FieldCheck:
    def check(value: Any, path: str, errors: Errors) -> None:
        if not isinstance(value, str) or value not in allowed:
            errors[path] = _(NOT_ONE_OF) % ", ".join(text or "“”" for text in allowed)

    return check


def text_of(maximum: int) -> FieldCheck:
    def check(value: Any, path: str, errors: Errors) -> None:
        if not isinstance(value, str) or len(value) > maximum or not value.isprintable():
            errors[path] = _("This must be text of at most %d characters.") % maximum

    return check


check_text, check_short_text = text_of(MAX_TEXT_LENGTH), text_of(SHORT_TEXT_LENGTH_MAX)


def check_flag(value: Any, path: str, errors: Errors) -> None:
    if not isinstance(value, bool):
        errors[path] = _("This must be true or false.")


def check_name(value: Any, path: str, errors: Errors) -> None:
    """Check that a value is the name of a field or object, or empty, which selects none."""
    if not isinstance(value, str) or (value and not NAME_PATTERN.fullmatch(value)):
        errors[path] = _("This must be the name of a field or an object.")


def check_digits(value: Any, path: str, errors: Errors) -> None:
    if not isinstance(value, str) or not (value.isascii() and value.isdecimal() or not value):
        errors[path] = _("This must be an ID: digits, as text.")


def list_of(check_entry: FieldCheck, *, maximum: int) -> FieldCheck:
    def check(value: Any, path: str, errors: Errors) -> None:
        if not isinstance(value, list) or not 0 < len(value) <= maximum:
            errors[path] = _("This must be a list of 1 to %d entries.") % maximum
            return
        for position, entry in enumerate(value):
            check_entry(entry, f"{path}[{position}]", errors)

    return check


def texts_by_name(check_key: FieldCheck, *, maximum: int) -> FieldCheck:
    """Check an object of names and texts."""

    def check(value: Any, path: str, errors: Errors) -> None:
        if not isinstance(value, Mapping) or len(value) > maximum:
            errors[path] = _(TOO_MANY_ENTRIES) % maximum
            return
        for name, text in value.items():
            check_key(name, join_path(path, str(name)[:80]), errors)
            check_text(text, join_path(path, str(name)[:80]), errors)

    return check
