"""Check the headers of requests, and clean those of responses."""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from connectors.http import Request, Response
from hub.egress.errors import EgressRefused, ResponseNotReceived

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
OWN_HEADERS = {"User-Agent": "integration-hub", "Accept": "*/*", "Accept-Encoding": "identity"}
MAX_NAME_LENGTH = 100  # characters
NAME_PATTERN = re.compile(rf"[A-Za-z0-9!#$%&'*+.^_`|~-]{{1,{MAX_NAME_LENGTH}}}", re.ASCII)
RESERVED_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
MAX_VALUE_LENGTH = 8000  # characters of a value


def build_request_headers(request: Request) -> dict[str, str]:
    """Return the headers of a request, with our own.

    Raises EgressRefused for a header that could end the headers or control the connection.
    """
    if request.method not in METHODS:
        raise EgressRefused("method")
    headers = OWN_HEADERS.copy()
    for name, value in request.all_headers().items():
        if not _is_allowed_header(name) or not _is_plain(value):
            raise EgressRefused("header")
        headers[name] = value
    return headers


@lru_cache(maxsize=1024)
def _is_allowed_header(name: str) -> bool:
    return NAME_PATTERN.fullmatch(name) is not None and name.lower() not in RESERVED_HEADERS


def _is_plain(value: str) -> bool:
    return (
        value.isascii()
        and value.isprintable()
        and len(value) <= MAX_VALUE_LENGTH
        and value == value.strip()
    )


def _clean_response_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers by lower-case name, repeated ones joined, cleaned, without cookies."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        # the length first: long names must not fill the cache of `_is_stored_header`
        if len(key) > MAX_NAME_LENGTH or not _is_stored_header(key):
            continue
        if not value.isprintable() or len(value) > MAX_VALUE_LENGTH:
            value = "".join(
                character if character.isprintable() else "?"
                for character in value[:MAX_VALUE_LENGTH]
            )
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


@lru_cache(maxsize=1024)
def _is_stored_header(key: str) -> bool:
    return key != "set-cookie" and NAME_PATTERN.fullmatch(key) is not None


def build_response(
    status: int,
    body: bytes,
    headers: Iterable[tuple[str, str]],
    *,
    received_at: datetime,
    is_truncated: bool,
    host: str,
) -> Response:
    if status < 200:  # an interim answer where the final one should be
        raise ResponseNotReceived("bad_answer", host)
    return Response(status, body, _clean_response_headers(headers), received_at, is_truncated)
