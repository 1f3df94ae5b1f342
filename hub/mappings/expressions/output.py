"""Results of expressions: plain JSON of a bounded size that can be stored and sent."""

import json
import math
from decimal import Decimal
from typing import Any

from hub.mappings.expressions.budget import ExpressionRefused

KIBIBYTE = 1024
OUTPUT_MAX_BYTES = 256 * KIBIBYTE
OUTPUT_MAX_DEPTH = 64
VALUE_BYTES = 8  # bytes that any value costs beside its text: a million nulls are large too
SMALLEST_INT, LARGEST_INT = -(2**63), 2**64 - 1
EXCERPT_LENGTH = 200
NUMBER_TYPES = (int, float, Decimal)


class Output:
    """Copies results, so that they share nothing with document or expression, and counts bytes."""

    __slots__ = ("remaining_bytes",)

    def __init__(self) -> None:
        self.remaining_bytes = OUTPUT_MAX_BYTES

    def copy_plain(self, value: Any, depth: int = 0) -> Any:
        """Return a copy of the value. Raises ExpressionRefused if it cannot be stored as JSON."""
        kind = type(value)
        if kind is str:
            return self._copy_text(value)
        self._spend(VALUE_BYTES)
        if value is None or kind is bool:
            return value
        if kind in NUMBER_TYPES:
            return _check_number(value)
        if depth >= OUTPUT_MAX_DEPTH:
            raise ExpressionRefused(f"is nested deeper than {OUTPUT_MAX_DEPTH} levels", value)
        if kind is list:
            return [self.copy_plain(item, depth + 1) for item in value]
        if kind is dict:
            return {
                self._copy_text(key): self.copy_plain(item, depth + 1)
                for key, item in value.items()
            }
        raise ExpressionRefused("is not a JSON value", value)

    def _copy_text(self, text: Any) -> str:
        if not isinstance(text, str):
            raise ExpressionRefused("has a key that is not text", text)
        if "\0" in text:
            raise ExpressionRefused("has a NUL character, which cannot be stored", text)
        try:
            size = len(text) if text.isascii() else len(text.encode())
        except UnicodeEncodeError as error:
            raise ExpressionRefused(
                "has an unpaired surrogate, which cannot be encoded", text
            ) from error
        self._spend(VALUE_BYTES + size)
        return text

    def _spend(self, size: int) -> None:
        self.remaining_bytes -= size
        if self.remaining_bytes < 0:
            raise ExpressionRefused(f"is larger than {OUTPUT_MAX_BYTES // KIBIBYTE} KiB")


def _check_number(value: int | float | Decimal) -> int | float | Decimal:
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise ExpressionRefused("is NaN or infinite, which JSON does not have", value)
    elif not SMALLEST_INT <= value <= LARGEST_INT:
        raise ExpressionRefused("is a whole number of more than 64 bits", value)
    return value


def _format_other(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else "…"


def format_excerpt(value: Any) -> str:
    """Format the beginning of a value as JSON: up to 200 characters that can be stored."""
    pieces: list[str] = []
    length = 0
    try:
        for piece in json.JSONEncoder(ensure_ascii=False, default=_format_other).iterencode(value):
            pieces.append(piece[: EXCERPT_LENGTH + 1])
            length += len(piece)
            if length > EXCERPT_LENGTH:
                break
    except (ValueError, TypeError, RecursionError):  # an int of 5,000 digits, keys that are no text
        pieces.append("…")
    text = "".join(pieces).encode(errors="backslashreplace").decode()
    return text if len(text) <= EXCERPT_LENGTH else text[: EXCERPT_LENGTH - 1] + "…"
