"""Parse JSON strictly: documents that two parsers may read differently are rejected."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext_noop
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.serializers import Serializer

from hub.problems.json_types import describe_type_errors
from hub.problems.parse_budget import estimate_memory, reserve_parsing
from hub.problems.responses import Problem, pointer_token

MAX_DEPTH = 64
PIECE_SIZE = 64 * 1024
MAX_SINGLE_BYTES = 1024 * 1024  # of a document that is not an array
BLANKS = b" \t\r\n"
# PostgreSQL rejects NUL, UTF-8 rejects lone surrogates
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
UTF8 = ("", "utf-8", "utf8")
NUMBER_SHOWN_LENGTH = 40  # digits of a number in an error
TOO_MANY_DIGITS_TEXT = gettext_noop(
    "The number %(number)s has more digits than are stored here. Round it, or write it as text."
)
NumberParser = Callable[[str], Any]
# the path of a value: the path of its container, and its name or index there
JsonPath = tuple[Any, str | int] | None


def read_json(raw: bytes, *, parse_float: NumberParser = float) -> Any:
    """Parse the bytes as one JSON document; `parse_float` gets the digits of decimals.

    Raises Problem: "invalid-json" if they break a rule of this module, "payload-too-large" for too
    many values.
    """
    estimate_memory(raw)  # before any object is built
    try:
        value = _make_decoder(parse_float).decode(raw.decode())
    except UnicodeDecodeError as error:
        raise invalid_json(f"The body is not valid UTF-8: byte {error.start} is invalid.") from None
    except json.JSONDecodeError as error:
        raise invalid_json(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise invalid_json(f"The document is nested more than {MAX_DEPTH} levels deep.") from None
    except ValueError:  # Python parses no integers of more than 4,300 digits
        raise invalid_json("The document contains a number with too many digits.") from None
    if _needs_examination(raw):
        _examine_value(value, None, 0)
    return value


def _needs_examination(raw: bytes) -> bool:
    """Return whether the document may contain a NUL, a lone surrogate or too deep nesting.

    NULs and lone surrogates need an escape, and depth needs brackets.
    """
    return rb"\u" in raw or raw.count(b"[") + raw.count(b"{") > MAX_DEPTH


def _examine_value(value: Any, path: JsonPath, depth: int) -> None:
    if depth == MAX_DEPTH and isinstance(value, list | dict):
        raise invalid_json(
            f"The document is nested more than {MAX_DEPTH} levels deep.", pointer_of(path)
        )
    if isinstance(value, str):
        _check_storable(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _examine_value(item, (path, index), depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_storable(name, path)
            _examine_value(item, (path, name), depth + 1)


def _check_storable(text: str, path: JsonPath) -> None:
    if UNSTORABLE.search(text):
        raise invalid_json(
            "A string contains a NUL character or an unpaired surrogate.", pointer_of(path)
        )


def pointer_of(path: JsonPath) -> str:
    """Return the JSON pointer of a path.

    Build it for errors only: building one for each value would copy long names many times.
    """
    steps = []
    while path is not None:
        path, step = path
        steps.append(f"/{pointer_token(step)}")
    return "".join(reversed(steps))


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated_name = next(name for name, count in counts.items() if count > 1)
        raise invalid_json(f"The name {repeated_name[:100]!a} occurs twice in one object.")
    return members


def _reject_constant(name: str) -> None:
    raise invalid_json(f"{name} is not JSON.")


@cache  # of two functions: json.loads() would make a decoder for each document
def _make_decoder(parse_float: NumberParser) -> json.JSONDecoder:
    def parse_finite(digits: str) -> Any:
        number = parse_float(digits)
        if math.isinf(float(digits)):
            raise invalid_json("The document contains a number that is too large.")
        return number

    return json.JSONDecoder(
        object_pairs_hook=_reject_duplicate_names,
        parse_constant=_reject_constant,
        parse_float=parse_finite,
    )


class TooManyDigits(Problem):
    """A float would round the number. `number`: its first digits."""

    def __init__(self, digits: str) -> None:
        self.number = digits[:NUMBER_SHOWN_LENGTH]
        super().__init__("invalid-json", TOO_MANY_DIGITS_TEXT % {"number": self.number})


def parse_storable_float(digits: str) -> float:
    """Return the float of these digits, where decimals are stored as floats.

    Raises TooManyDigits.
    """
    number = float(digits)
    try:
        is_exact = Decimal(repr(number)) == Decimal(digits)
    except InvalidOperation:  # an exponent beyond those of decimals
        is_exact = False
    if not is_exact:
        raise TooManyDigits(digits)
    return number


def invalid_json(detail: str, pointer: str | None = None) -> Problem:
    errors = () if pointer is None else ({"pointer": pointer, "detail": detail, "code": "invalid"},)
    return Problem("invalid-json", detail, errors=errors)


class StrictJSONParser(BaseParser):
    """Parse a JSON body of limited size, and keep its bytes as `request.raw_body`.

    The limit is `view.max_bytes`, by default HUB_EVENT_BYTES, and `view.max_single_bytes` of a
    document that is not an array. A view whose body has values of records gives a `parse_float`
    that rounds no decimal. Not a JSONParser: with one, REST framework reads the whole body before
    it calls the parser.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        assert parser_context is not None, "the framework gives the request and its view"
        request, view = parser_context["request"], parser_context["view"]
        require_utf8(request.META)
        request.raw_body = read_bounded_body(
            stream, getattr(view, "max_bytes", settings.HUB_EVENT_BYTES)
        )
        if len(request.raw_body) < int(request.META.get("CONTENT_LENGTH") or 0):
            raise Problem("unreadable-body")  # cut off in transit
        max_single_bytes = getattr(view, "max_single_bytes", MAX_SINGLE_BYTES)
        if (
            not request.raw_body.lstrip(BLANKS).startswith(b"[")
            and len(request.raw_body) > max_single_bytes
        ):
            raise Problem(
                "payload-too-large",
                f"A body that is not an array can have at most {max_single_bytes:,} bytes.",
            )
        reserve_parsing(request, request.raw_body)
        return read_json(request.raw_body, parse_float=getattr(view, "parse_float", float))


def require_utf8(meta: Mapping[str, Any]) -> None:
    charset = re.search(r"charset\s*=\s*\"?([^\";\s]*)", meta.get("CONTENT_TYPE", ""), re.I)
    if charset and charset[1].lower() not in UTF8:
        raise Problem("unsupported-media-type")
    if meta.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
        raise Problem("unsupported-media-type")


def read_bounded_body(stream: IO[bytes], limit: int) -> bytes:
    chunks, size = [], 0
    while chunk := stream.read(PIECE_SIZE):
        size += len(chunk)
        if size > limit:
            raise Problem(
                "payload-too-large",
                f"The body is larger than the {limit:,} bytes that are taken here.",
            )
        chunks.append(chunk)
    return b"".join(chunks)


class StrictSerializer(Serializer):
    """A serializer that rejects unknown and read-only fields, and values of a wrong JSON type."""

    from_query = False  # whether it reads a query, where every value is a string

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            fields = {name: field for name, field in self.fields.items() if not field.read_only}
            if unknown := sorted(set(data) - set(fields)):
                raise ValidationError(
                    dict.fromkeys(unknown, "Unknown or read-only field."), code="unknown"
                )
            if type_errors := self.type_errors(fields, data):
                raise ValidationError(self.other_errors(data) | type_errors)
        return super().to_internal_value(data)

    def type_errors(self, fields: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        checked = {
            name: describe_type_errors(fields[name], data[name], from_query=self.from_query)
            for name in data
        }
        return {name: error for name, error in checked.items() if error}

    def other_errors(self, data: Mapping[str, Any]) -> dict[str, Any]:
        try:
            super().to_internal_value(data)
        except ValidationError as error:
            assert isinstance(error.detail, dict)
            return dict(error.detail)
        return {}
