"""Requests, responses, and the quotas that requests spend, as values: nothing here sends."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlencode

import orjson

Json = Any  # a value that json.loads() can give, and Decimal

KIBIBYTE = 1024
# bytes of a response that are read; a longer body is cut
DEFAULT_RESPONSE_BYTES_MAX = 64 * KIBIBYTE
SECONDS_PATTERN = re.compile(r"[0-9]{1,100}(\.[0-9]{1,100})?", re.ASCII)
MIN_WAIT, MAX_WAIT = 1.0, 24 * 3600.0  # seconds
# a number, not in a text, that a parser of 64-bit numbers may round: 16 digits, or an exponent
MAY_BE_ROUNDED = re.compile(rb'[-0-9](?<![\w."-][-0-9])(?:[0-9.]{15,}|[0-9.]*[eE])')
MIN_INTEGER, MAX_INTEGER, MAX_INTEGER_LENGTH = -(2**63), 2**64 - 1, 20
DECIMAL_DIGITS_MAX, DECIMAL_EXPONENT_MAX = 34, 40  # those of mappings and of both databases
COMPACT_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

ScopeKind = Literal["app", "account", "connection", "method", "channel", "host", "address"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a quota that a request spends.

    `method` and `channel` are within the account; the hub completes the key.
    """

    kind: ScopeKind
    name: str = ""


Spends = tuple[tuple[Scope, int], ...]
# of a quota, what background work (replays, scheduled runs) may use; the rest is for live work
DEFAULT_BACKGROUND_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of `limit` units in any `per` seconds."""

    limit: int
    per_seconds: float
    shape: Literal["rate"] = "rate"
    background_share: float = DEFAULT_BACKGROUND_SHARE


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit of `limit` units in a window of `per` seconds, corrected by the system's reports.

    The window rolls: where the end of the system's day is unknown, that is the strictest
    interpretation, and a reported end replaces it. `midnight_zone` is the time zone at whose
    midnight the budget is full again; empty: it rolls.
    """

    limit: int
    per_seconds: float = 86400.0
    midnight_zone: str = ""
    shape: Literal["budget"] = "budget"
    background_share: float = DEFAULT_BACKGROUND_SHARE


@dataclass(frozen=True, slots=True)
class InFlight:
    """A limit of `limit` calls at the same time."""

    limit: int
    shape: Literal["in_flight"] = "in_flight"
    background_share: float = DEFAULT_BACKGROUND_SHARE


Quota = Rate | Budget | InFlight


@dataclass(frozen=True, slots=True)
class Report:
    """A quota as a response reports it, in units.

    `resets_in`: the seconds until the quota is full again; None if the response does not say.
    """

    scope: Scope
    used: int
    limit: int
    resets_in: float | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """An HTTP request for egress, with at most one of `json`, `form` and `body`.

    `spends`: pairs of a scope and the units that the request costs.
    """

    method: str
    url: str
    json: Json = None
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    bearer: str = ""
    spends: Spends = ()
    response_bytes_max: int = DEFAULT_RESPONSE_BYTES_MAX  # bytes of the answer to read

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.partition('?')[0]}>"

    def content(self) -> bytes:
        """Return the body as bytes; compact JSON in UTF-8 if `json` is set."""
        if self.json is not None:
            return dump_json(self.json)
        if self.form is not None:
            return urlencode(list(self.form.items())).encode()
        return self.body or b""

    def all_headers(self) -> dict[str, str]:
        """Return the headers as they are sent, with Content-Type and Authorization added."""
        headers = dict(self.headers)
        names = {name.lower() for name in headers}
        if "content-type" not in names:
            if self.json is not None:
                headers["Content-Type"] = "application/json; charset=utf-8"
            elif self.form is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self.bearer and "authorization" not in names:
            headers["Authorization"] = f"Bearer {self.bearer}"
        return headers


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """An HTTP response; header names are in lower case.

    `body` has at most `response_bytes_max` bytes of the request. `at`: when it was received.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    at: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    is_truncated: bool = False  # the body was longer than was read

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"

    def json(self) -> Json:
        """Parse the body as JSON, without rounding. Raises Unreadable if it is not JSON."""
        try:
            return load_json(self.body)
        except (ValueError, RecursionError) as error:
            raise Unreadable(type(error).__name__) from error

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Unreadable(ValueError):
    """The response is not what the system documents."""


def dump_json(value: Json) -> bytes:
    """Return compact JSON in UTF-8. Raises ValueError for NaN and infinity.

    A lone surrogate, which UTF-8 cannot encode, becomes a JSON escape.
    """
    return encode_json(value).encode(errors="backslashreplace")


def encode_json(value: Json) -> str:
    """Return compact JSON with a Decimal's digits. Raises ValueError for NaN and infinity."""
    try:
        return COMPACT_ENCODER.encode(value)
    except TypeError:  # a Decimal, or no JSON at all
        return _encode_exactly(value)


def _encode_exactly(value: Json) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("Out of range decimal values are not JSON compliant")
        return str(value)
    if isinstance(value, Mapping):
        members = (
            f"{COMPACT_ENCODER.encode(str(key))}:{_encode_exactly(entry)}"
            for key, entry in value.items()
        )
        return f"{{{','.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_encode_exactly, value))}]"
    return COMPACT_ENCODER.encode(value)


def format_json(value: Json) -> str:
    """Return indented JSON for people; a Decimal is a number with its digits."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except TypeError:  # a Decimal
        return orjson.dumps(value, default=_write_digits, option=orjson.OPT_INDENT_2).decode()


class ExactEncoder(json.JSONEncoder):
    """Encodes like `encode_json`, for a column of the database and for pages."""

    def encode(self, o: Json) -> str:
        return encode_json(o)


class ExactDecoder(json.JSONDecoder):
    """Decodes like `load_json`, for a column of the database."""

    def __init__(self, **options: Any) -> None:
        super().__init__(parse_float=parse_decimal, **options)


def dump_checked_json(value: Json) -> bytes:
    """Return the JSON of a value that was checked before, much faster than `dump_json`.

    An unchecked NaN or infinity would become null.
    """
    try:
        return orjson.dumps(value, default=_write_digits)
    except TypeError:  # a lone surrogate, or a whole number of more than 64 bits
        return dump_json(value)


def _write_digits(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError("not a JSON value")


def load_json(raw: bytes | str) -> Json:
    """Parse JSON like `json.loads`, but round no number. Raises ValueError and RecursionError.

    Integers have any size. A decimal that a float does not hold exactly becomes a Decimal.
    """
    raw_bytes = raw.encode(errors="replace") if isinstance(raw, str) else raw
    if not is_exact_in_64_bits(raw_bytes):
        return json.loads(raw, parse_float=parse_decimal)
    try:
        return orjson.loads(raw)
    except ValueError:  # it may also be NaN, a lone surrogate or UTF-16, which json reads
        return json.loads(raw)


def is_exact_in_64_bits(raw: bytes) -> bool:
    """Return whether a parser of 64-bit numbers certainly rounds none of this JSON."""
    return not MAY_BE_ROUNDED.search(raw)


def load_exact_json(raw: bytes) -> Json:
    """Parse the JSON of a stranger without rounding any number. Raises ValueError.

    A decimal that a float does not hold exactly becomes a Decimal, or a text with its digits if it
    has more than DECIMAL_DIGITS_MAX; an integer of more than 64 bits is such a text, too.
    """
    if is_exact_in_64_bits(raw):
        return orjson.loads(raw)
    try:
        value = EXACT_DECODER.decode(raw.decode())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if rb"\u" in raw:
        COMPACT_ENCODER.encode(value).encode()  # raises UnicodeEncodeError for a lone surrogate
    return value


def _parse_integer(digits: str) -> int | str:
    """Return the integer if it has 64 bits, otherwise the digits."""
    is_short = len(digits) <= MAX_INTEGER_LENGTH  # Python reads no more than 4,300 digits
    number = int(digits) if is_short else None
    return number if number is not None and MIN_INTEGER <= number <= MAX_INTEGER else digits


def parse_decimal(digits: str) -> float | Decimal | str:
    """Return the float of exactly these digits, else a Decimal; the digits if it is too long."""
    try:
        exact = Decimal(digits)
    except InvalidOperation:  # an exponent beyond those of decimals
        return digits
    number = narrow_decimal(exact)
    is_usual = (
        len(exact.as_tuple().digits) <= DECIMAL_DIGITS_MAX
        and abs(exact.adjusted()) <= DECIMAL_EXPONENT_MAX
    )
    return number if is_usual or isinstance(number, float) else digits


def narrow_decimal(number: Decimal) -> float | Decimal:
    """Return the float that stands for exactly this number, otherwise the Decimal."""
    narrow = float(number)
    return narrow if math.isfinite(narrow) and Decimal(repr(narrow)) == number else number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


EXACT_DECODER = json.JSONDecoder(
    parse_int=_parse_integer, parse_float=parse_decimal, parse_constant=_refuse_constant
)


def parse_date(response: Response) -> datetime | None:
    """Return the time of the Date header, by the system's clock; None if there is none.

    Never raises.
    """
    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_retry_after(response: Response) -> float | None:
    """Return the wait that the Retry-After header asks for, in seconds. Never raises.

    The result is between MIN_WAIT and MAX_WAIT; None if the header is missing or cannot be parsed.
    """
    value = response.headers.get("retry-after", "").strip()
    if SECONDS_PATTERN.fullmatch(value):
        wait = float(value)
    else:
        try:
            retry_at = parsedate_to_datetime(value)
            retry_at = retry_at if retry_at.tzinfo else retry_at.replace(tzinfo=UTC)
            wait = (retry_at - response.at).total_seconds()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return min(max(wait, MIN_WAIT), MAX_WAIT)
