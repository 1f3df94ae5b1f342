"""Show two values side by side, so that a reader sees where they differ. Pure.

Differences that are otherwise invisible are shown: a missing value, an empty text, invisible
characters, and a number beside a text with the same digits.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CONTEXT_LENGTH = 24  # characters that are shown before a difference in a long text
TYPE_LABELS: dict[type, Promise] = {
    str: _("text"),
    bool: _("yes or no"),
    int: _("number"),
    Decimal: _("number"),
    float: _("number"),
}


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str
    is_different: bool = False


@dataclass(frozen=True, slots=True)
class DisplayValue:
    """One value: its text in parts, or a label instead; `note` follows the text."""

    parts: tuple[TextPart, ...] = ()
    label: str | Promise = ""
    note: str | Promise = ""
    is_truncated: bool = False


def compare_values(left: Any, right: Any, *, limit: int) -> tuple[DisplayValue, DisplayValue]:
    """Return both values for display, each with at most `limit` characters around the difference.

    >>> left, right = compare_values("Anna", "Anne", limit=80)
    >>> [(part.text, part.is_different) for part in right.parts]
    [('Ann', False), ('e', True)]
    """
    texts = _format_value(left), _format_value(right)
    start, end = _find_difference(*texts)
    note_types = texts[0] == texts[1] and type(left) is not type(right)
    first, second = (
        _build_value(value, text, (start, len(text) - end), limit, note_types)
        for value, text in zip((left, right), texts, strict=True)
    )
    return first, second


def show_value(value: Any, *, limit: int) -> DisplayValue:
    """Return one value for display."""
    text = _format_value(value)
    return _build_value(value, text, (0, 0), limit, False)


def _format_value(value: Any) -> str:
    if isinstance(value, dict):
        lines = [f"{name}: {_format_plain(entry)}" for name, entry in value.items()]
        text = "\n".join(lines)
    else:
        text = _format_plain(value)
    return "".join(map(_show_character, text))


def _format_plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _show_character(character: str) -> str:
    """Return a visible character unchanged, otherwise its code."""
    if character.isprintable() or character == "\n":
        return character
    return f"\\u{ord(character):04x}"


def _find_difference(left: str, right: str) -> tuple[int, int]:
    """Return the lengths of the common prefix and the common suffix.

    Texts with less than half of the shorter one in common differ as a whole.
    """
    shortest = min(len(left), len(right))
    start = next((at for at in range(shortest) if left[at] != right[at]), shortest)
    if start == len(left) == len(right):
        return start, 0
    end = 0
    while end < shortest - start and left[-1 - end] == right[-1 - end]:
        end += 1
    is_mostly_shared = 2 * (start + end) >= shortest
    return (start, end) if is_mostly_shared else (0, 0)


def _build_value(
    value: Any, text: str, difference: tuple[int, int], limit: int, notes_type: bool
) -> DisplayValue:
    if value is None:
        return DisplayValue(label=_("no value"))
    if text == "":
        return DisplayValue(label=_("empty text"))
    start, end = difference
    first = max(0, min(start - CONTEXT_LENGTH, len(text) - limit)) if len(text) > limit else 0
    last = min(len(text), first + limit)
    pieces = (
        ("…" if first else "") + text[first : max(first, min(start, last))],
        text[max(first, start) : min(end, last)],
        text[max(first, start, end) : last] + ("…" if last < len(text) else ""),
    )
    parts = [
        TextPart(piece, is_different=number == 1) for number, piece in enumerate(pieces) if piece
    ]
    note = TYPE_LABELS.get(type(value), "") if notes_type else ""
    return DisplayValue(tuple(parts), note=note, is_truncated=last - first < len(text))
