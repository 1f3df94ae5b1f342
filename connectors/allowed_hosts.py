"""Which origins an answer may name: a token endpoint's `instance_url` must not lead us anywhere else."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

HOST_PATTERN = re.compile(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+", re.ASCII
)


def find_allowed_origin(url: object, patterns: Iterable[str]) -> str:
    """The origin of `url` where a pattern allows it, otherwise empty.

    `*.salesforce.com` allows every host below it and `slack.com` exactly that one, over https on its usual port;
    `http://127.0.0.1:9002` allows exactly that origin, which is how a desk points at a sandbox.
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
        if is_https_host and _below(host, pattern.lower()):
            return f"https://{host}"
    return ""


def _below(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
