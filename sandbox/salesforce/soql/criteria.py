"""What a condition of SOQL may compare a field with, by the type of the field."""

from datetime import date, datetime
from typing import Any

from sandbox.salesforce.checks import ID, Refusal
from sandbox.salesforce.ids import long
from sandbox.salesforce.schema import Field

IDS = ("id", "reference")
# what Salesforce calls a type, and what a literal of it is read as
TYPES: dict[str, tuple[str, type]] = {
    "boolean": ("boolean", bool),
    "double": ("double", float),
    "currency": ("double", float),
    "percent": ("double", float),
    "int": ("int", float),
    "date": ("date", date),
    "datetime": ("dateTime", datetime),
}


def criterion(field: Field, sign: str, want: Any) -> Any:
    """The value to compare with, ids with 18 characters; otherwise a Refusal."""
    if isinstance(want, list):
        return [criterion(field, sign, condition) for condition in want]
    if not allows(field, sign):
        message = f"invalid operator on {field.type} field"
        raise Refusal(400, "INVALID_QUERY_FILTER_OPERATOR", message)
    if want is None:
        return None
    if not is_of(field, want):
        raise Refusal(400, "INVALID_FIELD", sentence(field))
    if field.type in IDS:
        if not ID.fullmatch(want):
            raise Refusal(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {want}")
        return long(want)
    return want


def allows(field: Field, sign: str) -> bool:
    if sign == "LIKE":
        return field.type not in TYPES and field.type not in IDS
    return field.type != "boolean" or sign in ("=", "!=")


def is_of(field: Field, want: Any) -> bool:
    """A moment is no day: `datetime` is a kind of `date` to Python only."""
    _, value = TYPES.get(field.type, ("string", str))
    return type(want) is value


def sentence(field: Field) -> str:
    name, _ = TYPES.get(field.type, ("string", str))
    quotes = "should be" if name == "string" else "should not be"
    return (
        f"value of filter criterion for field '{field.name}' must be of type {name} and "
        f"{quotes} enclosed in quotes"
    )
