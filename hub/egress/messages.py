"""Requests on their way out, checked; answers on their way in, made harmless."""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from connectors.wire import Request, Response
from hub.egress.errors import Refused, Unanswered

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
OURS = {"User-Agent": "integration-hub", "Accept": "*/*", "Accept-Encoding": "identity"}
NAME_MOST = 100  # characters
NAME = re.compile(rf"[A-Za-z0-9!#$%&'*+.^_`|~-]{{1,{NAME_MOST}}}", re.ASCII)
NOT_THEIRS = frozenset(
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
LONGEST = 8000  # characters of a value


def outgoing(request: Request) -> dict[str, str]:
    """The headers of a request, ours included; raises Refused for what could end a header or steer the connection."""
    if request.method not in METHODS:
        raise Refused("method")
    headers = OURS.copy()
    for name, value in request.all_headers().items():
        if not may_go(name) or not _plain(value):
            raise Refused("header")
        headers[name] = value
    return headers


@lru_cache(maxsize=1024)
def may_go(name: str) -> bool:
    return NAME.fullmatch(name) is not None and name.lower() not in NOT_THEIRS


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and len(value) <= LONGEST and value == value.strip()


def incoming(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names in lower case, repeated ones joined; text that can be stored anywhere. Cookies are not kept."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        if len(key) > NAME_MOST or not is_kept(key):  # the length first: nobody fills the memory of `is_kept`
            continue
        if not value.isprintable() or len(value) > LONGEST:
            value = "".join(sign if sign.isprintable() else "?" for sign in value[:LONGEST])
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


@lru_cache(maxsize=1024)
def is_kept(key: str) -> bool:
    return key != "set-cookie" and NAME.fullmatch(key) is not None


def answered(
    status: int, body: bytes, headers: Iterable[tuple[str, str]], *, at: datetime, cut: bool, host: str
) -> Response:
    if status < 200:  # an interim answer where the final one should be
        raise Unanswered("bad_answer", host)
    return Response(status, body, incoming(headers), at, cut)
