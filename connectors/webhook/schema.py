"""Check the customer's own headers: names and values that may be set."""

import json
import re
from functools import lru_cache
from typing import Any

MAX_HEADERS = 20
NAME_PATTERN = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
VALUE_PATTERN = re.compile(r"[!-~]([ -~]{0,2046}[!-~])?", re.ASCII)
AUTHORIZATION_PATTERN = re.compile(
    r"(Basic [A-Za-z0-9+/]+={0,2}|Bearer [A-Za-z0-9._~+/-]+=*)", re.ASCII
)
RESERVED_NAMES = {
    "host",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "cookie",
    "content-length",
    "content-type",
    "content-encoding",
    "accept-encoding",
    "user-agent",
    "forwarded",
}
RESERVED_PREFIXES = ("webhook-", "proxy-", "sec-", "x-forwarded-")


@lru_cache(maxsize=1024)
def parse_custom_headers(text: str) -> dict[str, str]:
    """Parse headers from a JSON object. Raises ValueError with a text."""
    try:
        headers = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise ValueError('headers must be a JSON object such as {"X-Team": "sales"}') from None
    if not isinstance(headers, dict) or len(headers) > MAX_HEADERS:
        raise ValueError(f"headers must be a JSON object with at most {MAX_HEADERS} names")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("a header occurs twice")
    for name, value in headers.items():
        _check(name, value)
    return headers


def _check(name: str, value: Any) -> None:
    lower = name.lower()
    if (
        not NAME_PATTERN.fullmatch(name)
        or lower in RESERVED_NAMES
        or lower.startswith(RESERVED_PREFIXES)
    ):
        raise ValueError(f"the header {name[:64]!r} cannot be set")
    if not isinstance(value, str) or not VALUE_PATTERN.fullmatch(value):
        raise ValueError(f"the value of {name} is not printable ASCII of at most 2,048 characters")
    if lower == "authorization" and not AUTHORIZATION_PATTERN.fullmatch(value):
        raise ValueError("Authorization must be 'Basic …' or 'Bearer …'")
