"""The customer's own headers: which names and values may be set."""

import json
import re
from functools import lru_cache
from typing import Any

MOST = 20
NAME = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
VALUE = re.compile(r"[!-~]([ -~]{0,2046}[!-~])?", re.ASCII)
AUTHORIZATION = re.compile(r"(Basic [A-Za-z0-9+/]+={0,2}|Bearer [A-Za-z0-9._~+/-]+=*)", re.ASCII)
NOT_THEIRS = {
    "host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "cookie",
    "content-length", "content-type", "content-encoding", "accept-encoding", "user-agent", "forwarded",
}  # fmt: skip
NOT_THEIRS_BELOW = ("webhook-", "proxy-", "sec-", "x-forwarded-")


@lru_cache(maxsize=1024)
def custom_headers(text: str) -> dict[str, str]:
    """The headers of a JSON object. Raises ValueError with a sentence."""
    try:
        headers = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise ValueError('headers are a JSON object such as {"X-Team": "sales"}') from None
    if not isinstance(headers, dict) or len(headers) > MOST:
        raise ValueError(f"headers are a JSON object of at most {MOST} names")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("a header is named twice")
    for name, value in headers.items():
        _check(name, value)
    return headers


def _check(name: str, value: Any) -> None:
    lower = name.lower()
    if not NAME.fullmatch(name) or lower in NOT_THEIRS or lower.startswith(NOT_THEIRS_BELOW):
        raise ValueError(f"the header {name[:64]!r} cannot be set")
    if not isinstance(value, str) or not VALUE.fullmatch(value):
        raise ValueError(f"the value of {name} is not printable ASCII of at most 2,048 characters")
    if lower == "authorization" and not AUTHORIZATION.fullmatch(value):
        raise ValueError("Authorization is 'Basic …' or 'Bearer …'")
