"""Compare a written value with the one that a system sends back, possibly in another notation."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any


def is_same_value(written: Any, received: Any) -> bool:
    """Return whether a received value is the written one.

    Systems send numbers and booleans as text, null as empty text, and add keys to objects.
    """
    if isinstance(written, Mapping):
        return isinstance(received, Mapping) and all(
            key in received and is_same_value(value, received[key])
            for key, value in written.items()
        )
    if isinstance(written, list):
        return (
            isinstance(received, list)
            and len(received) == len(written)
            and all(is_same_value(*pair) for pair in zip(written, received, strict=True))
        )
    if isinstance(received, Mapping | list):
        return False
    if _is_number(written) or _is_number(received):
        return _read_number(written) == _read_number(received)
    return _format_value(written) == _format_value(received)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _read_number(value: Any) -> Decimal | str:
    """Return the number that a value denotes, otherwise its text.

    Numbers are compared exactly: two that are equal as floats may differ.
    """
    text = _format_value(value)
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
