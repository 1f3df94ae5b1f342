"""Check bodies as Salesforce does, with its error messages."""

import math
import re
from datetime import datetime
from typing import Any

from sandbox.salesforce.schema import Field, Object

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")


class Refusal(Exception):
    """One error of the REST API; several fields may be at fault."""

    def __init__(self, status: int, code: str, message: str, fields: list[str] | None = None):
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields or []

    def body(self) -> list[dict[str, Any]]:
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        return [error | ({"fields": self.fields} if self.fields else {})]

    def of_a_record(self) -> dict[str, Any]:
        """As one of many records shows it."""
        return {
            "success": False,
            "errors": [{"statusCode": self.code, "message": self.message, "fields": self.fields}],
        }


class MalformedRequest(Refusal):
    """A body that cannot be parsed as records of these objects; a collection then fails as a whole.

    "If the request isn't well formed, the API returns a 400 Bad Request HTTP Status"
    (resources_composite_sobjects_collections_create). Unknown fields and values of another type are
    found while records are parsed.
    """


def check_body(kind: Object, body: Any, *, new: bool) -> dict[str, Any]:
    """The values under their proper names, or a Refusal."""
    if not isinstance(body, dict):
        message = "The HTTP entity body is required, and must be a JSON object"
        raise MalformedRequest(400, "JSON_PARSER_ERROR", message)
    proper_values = {
        known_field(kind, name): value for name, value in body.items() if name != "attributes"
    }
    for field, value in proper_values.items():
        is_readable(field, value)
    values = {}
    for field, value in proper_values.items():
        is_writable(field)
        values[field.name] = convert_stored_value(field, value)
        check_value(field, values[field.name])
    emptied = [
        name
        for name, value in values.items()
        if value in (None, "") and kind.fields[name.lower()].required
    ]
    absent = (
        [
            field.name
            for field in kind.fields.values()
            if field.required and field.name not in values
        ]
        if new
        else []
    )
    if missing := emptied + absent:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise Refusal(400, "REQUIRED_FIELD_MISSING", message, missing)
    return values


def known_field(kind: Object, name: str) -> Field:
    field = kind.field(name)
    if field is None:
        message = f"No such column '{name}' on sobject of type {kind.name}"
        raise MalformedRequest(400, "INVALID_FIELD", message)
    return field


def is_readable(field: Field, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, dict | list) or not TYPES.get(field.type, is_text)(value):
        reported_type = "VALUE_STRING" if isinstance(value, str) else "value"
        message = (
            f"Cannot deserialize instance of {field.type} from {reported_type} {value} "
            "or request may be missing a required field"
        )
        raise MalformedRequest(400, "JSON_PARSER_ERROR", message)


def is_writable(field: Field) -> None:
    if not field.writable:
        message = (
            f"Unable to create/update fields: {field.name}. Please check the security "
            f"settings of this field."
        )
        raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name])


def convert_stored_value(field: Field, value: Any) -> Any:
    """Return the value to store: text without outer blanks, and None for blank text."""
    if field.type in NUMBERS and isinstance(value, str):
        return float(value)
    if isinstance(value, str):
        return value.strip() or None
    return value


def check_value(field: Field, value: Any) -> None:
    if value is None:
        return
    if field.length and len(str(value)) > field.length:
        message = (
            f"{field.title}: data value too large: {str(value)[:255]} (max length={field.length})"
        )
        raise Refusal(400, "STRING_TOO_LONG", message, [field.name])
    if field.type == "email" and not EMAIL.fullmatch(value):
        message = f"{field.name}: invalid email address: {value}"
        raise Refusal(400, "INVALID_EMAIL_ADDRESS", message, [field.name])
    check_picklist(field, value)
    if field.type == "reference" and not ID.fullmatch(value):
        message = f"{field.name}: id value of incorrect type: {value}"
        raise Refusal(400, "MALFORMED_ID", message, [field.name])


def check_picklist(field: Field, value: str) -> None:
    """A restricted picklist takes its values only; one for several has them between semicolons."""
    if not field.values or not field.restricted:
        return
    selected = value.split(";") if field.type == "multipicklist" else [value]
    if wrong := [one for one in selected if one not in field.values]:
        message = f"{field.title}: bad value for restricted picklist field: {wrong[0]}"
        raise Refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def is_whole(value: Any) -> bool:
    return is_number(value) and float(value).is_integer()


def is_moment(value: Any) -> bool:
    """A day of the calendar, alone or with a time and an offset."""
    if not is_text(value) or not (DATETIME.fullmatch(value) or DATE.fullmatch(value)):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


NUMBERS = ("double", "currency", "percent", "int")
TYPES = {
    "boolean": lambda value: isinstance(value, bool),
    "double": is_number,
    "currency": is_number,
    "percent": is_number,
    "int": is_whole,
    "date": is_moment,
    "datetime": is_moment,
}
