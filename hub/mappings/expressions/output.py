"""What may come out of an expression: plain JSON that can be stored and sent, of a bounded size."""

import json
import math
from typing import Any

from hub.mappings.expressions.budget import Refused

KIBIBYTE = 1024
LARGEST = 256 * KIBIBYTE
DEEPEST = 64
EACH = 8  # bytes that any value costs beside its text: a million nulls are large too
SMALLEST_INT, LARGEST_INT = -(2**63), 2**64 - 1
SHORT = 200


class Output:
    """Copies results, so that nothing is shared with the document or the expression, and counts their bytes."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = LARGEST

    def plain(self, value: Any, depth: int = 0) -> Any:
        """The value, copied; raises Refused."""
        kind = type(value)
        if kind is str:
            return self._text(value)
        self._spend(EACH)
        if value is None or kind is bool:
            return value
        if kind is int or kind is float:
            return _number(value)
        if depth >= DEEPEST:
            raise Refused(f"is nested deeper than {DEEPEST} levels", value)
        if kind is list:
            return [self.plain(item, depth + 1) for item in value]
        if kind is dict:
            return {self._text(key): self.plain(item, depth + 1) for key, item in value.items()}
        raise Refused("is not a JSON value", value)

    def _text(self, text: Any) -> str:
        if not isinstance(text, str):
            raise Refused("has a key that is not text", text)
        if "\0" in text:
            raise Refused("has a NUL character, which cannot be stored", text)
        try:
            size = len(text) if text.isascii() else len(text.encode())
        except UnicodeEncodeError as error:
            raise Refused("has half a surrogate pair, which cannot be encoded", text) from error
        self._spend(EACH + size)
        return text

    def _spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Refused(f"is larger than {LARGEST // KIBIBYTE} KiB")


def _number(value: int | float) -> int | float:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Refused("is NaN or infinite, which JSON does not have", value)
    elif not SMALLEST_INT <= value <= LARGEST_INT:
        raise Refused("is a whole number of more than 64 bits", value)
    return value


def short(value: Any) -> str:
    """A value as JSON in at most 200 characters that can be stored; reads no further than it must."""
    pieces: list[str] = []
    length = 0
    try:
        for piece in json.JSONEncoder(ensure_ascii=False, default=lambda _: "…").iterencode(value):
            pieces.append(piece[: SHORT + 1])
            length += len(piece)
            if length > SHORT:
                break
    except (ValueError, TypeError, RecursionError):  # an int of 5,000 digits, keys that are no text
        pieces.append("…")
    text = "".join(pieces).encode(errors="backslashreplace").decode()
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
