"""What goes over the wire, and whose quota it spends: values only, nothing here sends."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlencode

import orjson

Json = Any  # a value that json.loads() can give

KIBIBYTE = 1024
DEFAULT_KEEP = 64 * KIBIBYTE  # bytes of an answer that are read; what is longer is cut
SECONDS_PATTERN = re.compile(r"[0-9]{1,100}(\.[0-9]{1,100})?", re.ASCII)
MIN_WAIT, MAX_WAIT = 1.0, 24 * 3600.0  # seconds
COMPACT_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

ScopeKind = Literal["app", "account", "connection", "method", "channel", "host", "address"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose quota a request spends. `method` and `channel` are within the account; the hub completes the key."""

    kind: ScopeKind
    name: str = ""


Spends = tuple[tuple[Scope, int], ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` units in any `per` seconds."""

    limit: int
    per: float
    shape: Literal["rate"] = "rate"


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` units in a window of `per` seconds; corrected by what the system reports.

    The window rolls, which is right for a day that ends nobody knows when, too: it is the strictest reading, and a
    reported end is learnt. `midnight` names the time zone in whose midnight the budget is whole again.
    """

    limit: int
    per: float = 86400.0
    midnight: str = ""
    shape: Literal["budget"] = "budget"


@dataclass(frozen=True, slots=True)
class InFlight:
    """At most `limit` calls at the same time."""

    limit: int
    shape: Literal["in_flight"] = "in_flight"


Quota = Rate | Budget | InFlight


@dataclass(frozen=True, slots=True)
class Report:
    """What an answer says of a quota: units used and allowed, seconds until it is whole again (None: not told)."""

    scope: Scope
    used: int
    limit: int
    resets_in: float | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """An HTTP request for egress. At most one of `json`, `form` and `body`; `spends` as (scope, cost) pairs."""

    method: str
    url: str
    json: Json = None
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    bearer: str = ""
    spends: Spends = ()
    keep: int = DEFAULT_KEEP  # bytes of the answer to read

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.partition('?')[0]}>"

    def content(self) -> bytes:
        """The body as bytes; compact JSON in UTF-8 where `json` is given."""
        if self.json is not None:
            return dump_json(self.json)
        if self.form is not None:
            return urlencode(list(self.form.items())).encode()
        return self.body or b""

    def all_headers(self) -> dict[str, str]:
        """Headers with the content type that the body implies and the bearer, as they go on the wire."""
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
    """An HTTP answer as read: header names in lower case, at most `Request.keep` bytes of body, `at` when it came."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    at: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    cut: bool = False  # the body was longer than was read

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"

    def json(self) -> Json:
        """The parsed body; raises Unreadable."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unreadable(type(error).__name__) from error

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Unreadable(ValueError):
    """An answer that is not what the system documents."""


def dump_json(value: Json) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate, which UTF-8 has no bytes for, stays a JSON escape."""
    return COMPACT_ENCODER.encode(value).encode(errors="backslashreplace")


def dump_checked_json(value: Json) -> bytes:
    """The same, much faster, of a value that was looked at before: NaN or infinity in it would become null."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a lone surrogate, or a whole number of more than 64 bits
        return dump_json(value)


def parse_retry_after(response: Response) -> float | None:
    """Seconds to wait by the Retry-After header, in [1, 86400]; None where it says nothing usable. Never raises."""
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
