"""Check the conditions on records in the options of a job, with one error for each JSON path."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.conditions import LIST_TESTS, NULL_TESTS, TESTS

CONDITIONS_MAX, VALUES_MAX, TEXT_LENGTH_MAX = 20, 100, 255
NUMBER_MAX = 10**18
PATH_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}(\.[A-Za-z0-9_]{1,80}){0,5}", re.ASCII)
NAMES = {"field", "is", "value"}


def find_condition_errors(value: Any, path: str) -> dict[str, str]:
    """Return the errors of a list of conditions by path."""
    if not isinstance(value, list) or len(value) > CONDITIONS_MAX:
        return {path: f"must be a list of at most {CONDITIONS_MAX} conditions"}
    errors: dict[str, str] = {}
    for index, entry in enumerate(value):
        for at, message in _list_errors(entry, f"{path}[{index}]"):
            errors.setdefault(at, message)
    return errors


def _list_errors(condition: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(condition, Mapping):
        yield path, "must be an object"
        return
    for name in condition.keys() - NAMES:
        yield f"{path}.{name}", "is not known"
    name, test = condition.get("field"), condition.get("is")
    if not isinstance(name, str) or not PATH_PATTERN.fullmatch(name):
        yield f"{path}.field", "must be the name of a field, such as customer.name"
    if test not in TESTS:
        yield f"{path}.is", f"must be one of {', '.join(TESTS)}"
    yield from ((f"{path}.value", error) for error in _list_value_errors(condition, test))


def _list_value_errors(condition: Mapping[str, Any], test: Any) -> Iterator[str]:
    values = condition.get("value")
    if test in NULL_TESTS:
        if "value" in condition:
            yield "belongs to a comparison only"
    elif test not in LIST_TESTS:
        yield from _list_wrong_values([values])
    elif not isinstance(values, list) or not 1 <= len(values) <= VALUES_MAX:
        yield f"must be a list of 1 to {VALUES_MAX} values"
    else:
        yield from _list_wrong_values(values)


def _list_wrong_values(values: Sequence[Any]) -> Iterator[str]:
    for value in values:
        is_text = isinstance(value, str) and 0 < len(value) <= TEXT_LENGTH_MAX
        is_number = isinstance(value, int | float) and abs(value) < NUMBER_MAX
        if not (is_text or is_number):
            yield "must be text, a number, true or false"
