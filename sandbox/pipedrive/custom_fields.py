"""The fields that a company made, and what they take.

A field is stated in the world by its name alone, which is text of any kind, or as an object with
`name`, `type`, `options`, `required` and `description`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.pipedrive.accounts import Company

TEXTS = ("varchar", "varchar_auto", "text", "phone")
OPTION_TYPES = ("enum", "set")
FIELD_TYPES = (
    *TEXTS,
    *OPTION_TYPES,
    "double",
    "monetary",
    "date",
    "daterange",
    "time",
    "timerange",
    "address",
    "user",
    "org",
    "people",
)
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")


@dataclass(frozen=True)
class CustomField:
    key: str
    name: str
    type: str = "varchar"
    options: tuple[tuple[Any, str], ...] = ()  # ids and labels
    required: bool = False  # Pipedrive's own pages ask for it; its API does not
    description: str = ""
    is_custom: bool = True
    is_typed: bool = True  # False: the world states its name only, and any value fits


def custom_fields(company: Company, path: str) -> dict[str, CustomField]:
    """By key."""
    stated = company.custom_fields.get(path, {}) if path else {}
    return {key: parse_custom_field(key, entry) for key, entry in stated.items()}


def parse_custom_field(key: str, entry: Any) -> CustomField:
    """Raises ValueError with a sentence."""
    if isinstance(entry, str):
        return CustomField(key, entry, is_typed=False)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise ValueError("a custom field is a name, or an object with a name")
    type_name = entry.get("type", "varchar")
    if type_name not in FIELD_TYPES:
        raise ValueError(f"type is one of {', '.join(sorted(FIELD_TYPES))}")
    options = tuple((option["id"], option["label"]) for option in entry.get("options", ()))
    return CustomField(
        key,
        entry["name"],
        type_name,
        options,
        required=entry.get("required") is True,
        description=str(entry.get("description", "")),
    )


def find_value_problem(field: CustomField, value: Any) -> str:
    """Why the field does not take this value; empty if it does."""
    if value is None or not field.is_typed:
        return ""
    ids = {id for id, _ in field.options}
    if field.type == "enum" and (isinstance(value, bool | list | dict) or value not in ids):
        return f"{value} is not one of the options"
    if field.type == "set":
        is_list = isinstance(value, list) and not any(isinstance(v, dict | list) for v in value)
        return "" if is_list and set(value) <= ids else "must be a list of ids of options"
    fits = CHECKS.get(field.type)
    return "" if fits is None or fits(value) else f"must be of type {field.type}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value)) and len(value) == 10
    except ValueError:
        return False


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(TEXTS, lambda value: isinstance(value, str)),
    **dict.fromkeys(("user", "org", "people"), _is_id),
    **dict.fromkeys(("monetary", "address"), lambda value: isinstance(value, dict)),
    "double": _is_number,
    "date": _is_date,
    "time": lambda value: isinstance(value, str) and bool(TIME.fullmatch(value)),
}
