"""Paths of their fields as people enter them, like `fields.LastName` or `blocks[0].text`.

A name with a dot, bracket, quotation mark, or a space at an end is written as JSON: `fields."a.b"`.
"""

import json
import re

from django.utils.translation import gettext as _

from hub.mappings.translate import MAPPING_MAX_DEPTH

Segment = str | int
Segments = tuple[Segment, ...]

BARE_NAME = re.compile(r'[^.\[\]"\s](?:[^.\[\]"\r\n\t]*[^.\[\]"\s])?')
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)  # of an expression
INDEX = re.compile(r"\[([0-9]{1,4})\]", re.ASCII)
DECODER = json.JSONDecoder()
SHOWN_CHARACTERS = 20


class InvalidFieldPath(ValueError):
    """A text is not a valid path of a field; the message explains why."""


def format_field_path(segments: Segments) -> str:
    """Write the names and list positions of a field as text."""
    text = ""
    for segment in segments:
        if isinstance(segment, int):
            text += f"[{segment}]"
        else:
            bare = BARE_NAME.fullmatch(segment)
            name = segment if bare else json.dumps(segment, ensure_ascii=False)
            text += f".{name}" if text else name
    return text


def format_expression_path(segments: Segments) -> str:
    """Write the names and list positions of a value as an expression, such as data.lines[0].sku."""
    text = ""
    for segment in segments:
        if isinstance(segment, int):
            text += f"[{segment}]"
        else:
            name = segment if IDENTIFIER.fullmatch(segment) else json.dumps(segment)
            text += f".{name}" if text else name
    return text


def parse_field_path(text: str) -> Segments:
    """Return the names and list positions of a path. Raises InvalidFieldPath."""
    if not text:
        raise InvalidFieldPath(_("Enter the name of a field."))
    name, position = _parse_name(text, 0)
    segments: list[Segment] = [name]
    while position < len(text):
        if index := INDEX.match(text, position):
            segments.append(int(index[1]))
            position = index.end()
        elif text[position] == ".":
            name, position = _parse_name(text, position + 1)
            segments.append(name)
        else:
            rest = text[position:][:SHOWN_CHARACTERS]
            raise InvalidFieldPath(_("This is out of place: %(text)s") % {"text": rest})
        if len(segments) > MAPPING_MAX_DEPTH:
            raise InvalidFieldPath(_("The field is nested too deeply."))
    return tuple(segments)


def _parse_name(text: str, position: int) -> tuple[str, int]:
    """Return the name that begins at this position, and the position of its end."""
    if text.startswith('"', position):
        try:
            name, end = DECODER.raw_decode(text, position)
        except ValueError:
            raise InvalidFieldPath(_("A name in quotation marks does not end.")) from None
        return str(name), end
    if bare := BARE_NAME.match(text, position):
        return bare[0], bare.end()
    raise InvalidFieldPath(_("A name is missing between two dots."))


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """Return the parts of a JSON pointer, as used in errors of a mapping."""
    parts = pointer.split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)
