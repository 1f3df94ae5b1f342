"""Check bodies as Pipedrive does; the wording of the errors of v2 was never seen live."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.custom_fields import custom_fields, find_value_problem
from sandbox.pipedrive.kinds import Kind

INFO = "Please check developers.pipedrive.com"
DATE = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"
)  # with milliseconds it is refused
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
DURATION = re.compile(r"\d{1,3}:[0-5]\d(:[0-5]\d)?")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MARKETING = ("no_consent", "unsubscribed", "subscribed", "archived")
CURRENCY = re.compile(r"[A-Z]{3}")
HASH = re.compile(r"[0-9a-f]{40}")


class Refusal(Exception):
    def __init__(self, status: int, error: str, **more: Any):
        super().__init__(error)
        self.status, self.error, self.more = status, error, more

    def body(self) -> dict[str, Any]:
        failure = {"success": False, "error": self.error, "error_info": INFO}
        return {**failure, "data": None, "additional_data": None, **self.more}


def invalid(kind: Kind, problem: str) -> Refusal:
    if not kind.strict:
        return Refusal(400, problem)
    return Refusal(400, f"Validation failed: {problem}", code="ERR_SCHEMA_VALIDATION_FAILED")


def check_body(company: Company, kind: Kind, body: Any, *, new: bool) -> dict[str, Any]:
    """Return the values to store, custom fields included; unknown fields are ignored. Raises
    Refusal.
    """
    if not isinstance(body, dict):
        raise invalid(kind, "the body must be a JSON object")
    values = {name: body[name] for name in kind.fields if name in body}
    for name, value in values.items():
        check_value(kind, name, value)
    if new and is_blank(values.get(kind.title)):
        raise invalid(kind, f"{kind.title}: {kind.title} is required")
    if new and kind.linked_to and not any(values.get(name) for name in kind.linked_to):
        raise invalid(kind, f"{kind.name} must be linked to one of {', '.join(kind.linked_to)}")
    if not new and kind.title in values and is_blank(values[kind.title]):
        raise invalid(kind, f"{kind.title}: {kind.title} is not allowed to be empty")
    if values.get("lost_reason") and body.get("status") != "lost":
        raise invalid(kind, "lost_reason: can only be set if deal status is lost")
    return values | check_custom_fields(company, kind, body)


def check_custom_fields(company: Company, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    """Return the custom fields. Raises Refusal for the whole body if the company lacks one of
    them.
    """
    inside = (
        body.get("custom_fields", {})
        if kind.strict
        else {k: v for k, v in body.items() if HASH.fullmatch(k)}
    )
    if not kind.custom_of or not inside:
        return {}
    if not isinstance(inside, dict):
        raise invalid(kind, "custom_fields: must be of type object")
    fields = custom_fields(company, kind.custom_of)
    if unknown := set(inside) - set(fields):
        raise invalid(kind, f"custom_fields.{min(unknown)}: unknown field")
    if empty := [key for key, value in inside.items() if value == []]:
        raise invalid(kind, f"custom_fields.{empty[0]}: an empty array is not allowed, use null")
    for key, value in inside.items():
        if problem := find_value_problem(fields[key], value):
            raise invalid(kind, f"custom_fields.{key}: {problem}")
    return {"custom_fields": inside}


def check_value(kind: Kind, name: str, value: Any) -> None:
    type_name = kind.fields[name]
    if type_name == "contact_sync":
        raise Refusal(403, f"{name} can only be set where Contact Sync is on")
    if value is not None and not TYPES[type_name](value):
        raise invalid(kind, f"{name}: {name} must be of type {type_name}")


def is_blank(value: Any) -> bool:
    return not value or (is_text(value) and not value.strip())


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_moment(value: Any, form: re.Pattern[str]) -> bool:
    """Whether the text has this form and is a valid date or time."""
    if not is_text(value) or not form.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_uuid(value: Any) -> bool:
    return is_text(value) and bool(UUID.fullmatch(value))


def is_list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(fits(item) for item in value)


def is_value(item: Any) -> bool:
    """An e-mail address or a phone number."""
    return isinstance(item, dict) and is_text(item.get("value")) and item["value"] != ""


def is_money(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and is_number(value.get("amount"))
        and TYPES["currency"](value.get("currency"))
    )


TYPES: dict[str, Callable[[Any], bool]] = {
    "text": is_text,
    "integer": is_integer,
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool),
    "flag": lambda value: value in (0, 1),
    "status": lambda value: value in ("open", "won", "lost"),
    "date": lambda value: is_moment(value, DATE),
    "moment": lambda value: is_moment(value, MOMENT),
    "currency": lambda value: is_text(value) and bool(CURRENCY.fullmatch(value)),
    "visibility": lambda value: value in (1, 3, 5, 7) and is_integer(value),
    "marketing": lambda value: value in MARKETING,
    "percent": lambda value: is_number(value) and 0 <= value <= 100,
    "time": lambda value: is_text(value) and bool(TIME.fullmatch(value)),
    "duration": lambda value: is_text(value) and bool(DURATION.fullmatch(value)),
    "uuids": lambda value: isinstance(value, list) and all(is_uuid(item) for item in value),
    "visibility text": lambda value: value in ("1", "3", "5", "7"),
    "integers": is_list_of(is_integer),
    "list": lambda value: isinstance(value, list),
    "values": is_list_of(is_value),
    "object": lambda value: isinstance(value, dict) and is_text(value.get("value")),
    "money": is_money,
}
