"""Bodies for display: indented where they are JSON, raw, with size, redacted and truncated."""

from dataclasses import dataclass

from connectors.http import format_json, load_json
from hub.crypto.redaction import MASK, redact_excerpt

DISPLAYED_LENGTH_MAX = 20_000  # characters
INDENTED_BYTES_MAX = 1024 * 1024  # characters of a body that is read as JSON to be indented


@dataclass(frozen=True, slots=True)
class DisplayBody:
    raw: str
    pretty: str
    size: int
    is_redacted: bool
    is_truncated: bool


def build_display_body(content: bytes | memoryview | None) -> DisplayBody | None:
    """Build the display of a body; None if there is no body."""
    if not content:
        return None
    text = bytes(content).decode("utf-8", "replace")
    raw = redact_excerpt(text, DISPLAYED_LENGTH_MAX)
    indented = (
        redact_excerpt(indent_json(text), DISPLAYED_LENGTH_MAX)
        if len(text) <= INDENTED_BYTES_MAX
        else ""
    )
    return DisplayBody(
        raw=raw,
        pretty=indented,
        size=len(content),
        is_redacted=MASK in raw or MASK in indented,
        is_truncated=len(text) > DISPLAYED_LENGTH_MAX,
    )


def indent_json(text: str) -> str:
    """Return indented JSON; empty if the text is not JSON.

    Half of a surrogate pair, which is invalid on a page, stays an escape.
    """
    try:
        indented = format_json(load_json(text))
    except (ValueError, RecursionError):
        return ""
    return indented.encode(errors="backslashreplace").decode()
