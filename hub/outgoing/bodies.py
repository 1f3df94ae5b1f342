"""Bytes as a person reads them: pretty where they are JSON, raw, their size, and whether something was taken out."""

import json
from dataclasses import dataclass

from hub.redaction import MASK, redact_excerpt

SHOWN_MOST = 20_000  # characters
PRETTY_MOST = 1024 * 1024  # characters of a body that is read as JSON to be indented


@dataclass(frozen=True, slots=True)
class Body:
    raw: str
    pretty: str
    size: int
    redacted: bool
    cut: bool


def body_of(content: bytes | memoryview | None) -> Body | None:
    """None where there is nothing, or no longer."""
    if not content:
        return None
    text = bytes(content).decode("utf-8", "replace")
    raw = redact_excerpt(text, SHOWN_MOST)  # what looks like a secret is nobody's to read here
    indented = redact_excerpt(pretty(text), SHOWN_MOST) if len(text) <= PRETTY_MOST else ""
    return Body(
        raw=raw,
        pretty=indented,
        size=len(content),
        redacted=MASK in raw or MASK in indented,
        cut=len(text) > SHOWN_MOST,
    )


def pretty(text: str) -> str:
    """Indented JSON; empty where it is none. Half of a surrogate pair, which no page can hold, stays an escape."""
    try:
        written = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    return written.encode(errors="backslashreplace").decode()
