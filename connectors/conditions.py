"""Conditions on the fields of records, which a system applies, or the hub after reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.http import Json, dump_json, load_json

ConditionValue = str | int | float | Decimal | bool

EQUAL, NOT_EQUAL, IN, NOT_IN, NULL, NOT_NULL = TESTS = (
    "equal",
    "not_equal",
    "in",
    "not_in",
    "null",
    "not_null",
)
LIST_TESTS, NULL_TESTS = (IN, NOT_IN), (NULL, NOT_NULL)
NEGATED_TESTS = (NOT_EQUAL, NOT_IN, NOT_NULL)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one field, a path such as `customer.name`.

    Texts are compared without case. Empty text is null, and a null field is not equal to any value.
    """

    field: str
    test: str
    values: Sequence[ConditionValue] = ()

    def accepts(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record meets the condition."""
        value: Any = record
        for name in self.field.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        is_null = value is None or value == ""
        if self.test in NULL_TESTS:
            return is_null is (self.test == NULL)
        is_listed = not is_null and _fold(value) in map(_fold, self.values)
        return is_listed is not (self.test in NEGATED_TESTS)


def _fold(value: Any) -> str:
    """Return a text that is equal for equal values: 5 and 5.0, "Won" and "won"."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return f"{Decimal(str(value)).normalize():f}"
    return str(value).strip().casefold()


def parse_conditions(documents: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """Parse checked conditions such as {"field": "Stage", "is": "in", "value": ["Won", "Lost"]}."""
    return tuple(
        Condition(document["field"], document["is"], _list_values(document))
        for document in documents
    )


def _list_values(document: Mapping[str, Any]) -> tuple[ConditionValue, ...]:
    if document["is"] in NULL_TESTS:
        return ()
    value = document["value"]
    return tuple(value) if document["is"] in LIST_TESTS else (value,)


def write_conditions(conditions: Sequence[Condition]) -> str:
    """Return conditions as the parameter `conditions` of a page."""
    return dump_json(
        [[entry.field, entry.test, list(entry.values)] for entry in conditions]
    ).decode()


def read_conditions(text: str) -> tuple[Condition, ...]:
    """Read the result of `write_conditions`."""
    entries: Json = load_json(text or "[]")
    return tuple(Condition(field, test, values) for field, test, values in entries)
