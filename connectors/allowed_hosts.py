"""Decide which origins an answer may name, such as the `instance_url` of a token endpoint."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

HOST_PATTERN = re.compile(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+", re.ASCII
)


def find_allowed_origin(url: object, patterns: Iterable[str]) -> str:
    """Return the origin of `url` if a pattern allows it, otherwise an empty string.

    `*.salesforce.com` allows every host below salesforce.com, and `slack.com` that host only, both
    over https on port 443. `http://127.0.0.1:9002` allows exactly this origin: a local installation
    uses it for its sandbox.
    """
    if not isinstance(url, str) or re.search(r"[\s\\@\x00-\x20]", url):
        return ""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return ""
    exact = f"{parts.scheme}://{parts.netloc.lower()}"
    is_https_host = parts.scheme == "https" and port in (None, 443) and HOST_PATTERN.fullmatch(host)
    for pattern in patterns:
        if "://" in pattern and exact == pattern.lower().rstrip("/"):
            return exact
        if is_https_host and _matches_host(host, pattern.lower()):
            return f"https://{host}"
    return ""


def _matches_host(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
