"""Check a request that a person pastes, as a webhook source would, before the source is used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.outcomes import READ_ERRORS, clean_text
from connectors.signatures import SchemeError, Secret, Verdict, verify
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources.source import Item, UnreadableItem, WebhookSource

MAX_PASTED_LENGTH = 256 * 1024  # characters
MAX_HEADERS = 100
METHODS = ("POST", "GET", "HEAD", "PUT", "PATCH", "DELETE")
MAX_ERROR_LENGTH = 300


@dataclass(frozen=True, slots=True)
class PastedRequestCheck:
    """The result of checking a pasted request.

    `error`: why it could not be parsed, or has no items. `verdict` is None if it was not verified.
    """

    verdict: Verdict | None = None
    items: Sequence[Item | UnreadableItem] = ()
    error: str = ""


class PastedRequestError(ValueError):
    """The pasted text is not an HTTP request."""


def check_pasted_request(
    source: WebhookSource,
    settings: Mapping[str, Any],
    secrets: Sequence[Secret],
    raw_http_text: str,
    now: float,
) -> PastedRequestCheck:
    """Verify a pasted HTTP request, and parse its items. Never raises.

    `settings`: of the connection; `secrets`: the valid ones. `raw_http_text`: the request line
    (optional), the headers, an empty line and the body. `now`: Unix seconds. A browser may change
    line ends between LF and CRLF, so the body is tried with both.
    """
    try:
        scheme = source.scheme_for(settings)
        requests = parse_pasted_request(raw_http_text)
    except (SchemeError, PastedRequestError) as error:
        return PastedRequestCheck(error=clean_text(error, MAX_ERROR_LENGTH))
    verdicts = [verify(scheme, request, secrets, now) for request in requests]
    best = next((place for place, verdict in enumerate(verdicts) if verdict.is_valid), 0)
    request = requests[best]
    try:
        message_id = source.message_id(request, settings)
        items = source.parse_items(request, settings, message_id=message_id)
    except READ_ERRORS as error:
        return PastedRequestCheck(verdicts[best], error=clean_text(error, MAX_ERROR_LENGTH))
    return PastedRequestCheck(verdicts[best], items)


def parse_pasted_request(raw_http_text: str) -> list[WebhookRequest]:
    """Return one request for each body that the text may represent. Raises PastedRequestError."""
    if len(raw_http_text) > MAX_PASTED_LENGTH:
        raise PastedRequestError(f"the text has more than {MAX_PASTED_LENGTH} characters")
    text = raw_http_text.replace("\r\n", "\n").lstrip("\n")
    head, separator, body = text.partition("\n\n")
    if not separator:
        raise PastedRequestError("an empty line between headers and body is missing")
    lines = head.split("\n")
    method, url = "POST", ""
    if ":" not in lines[0].partition(" ")[0]:
        method, url = _parse_request_line(lines.pop(0))
    headers = _parse_headers(lines)
    return [
        _build_request(method, url, headers, content)
        for content in dict.fromkeys(
            (body, body.rstrip("\n"), body.replace("\n", "\r\n"), f"{body}\n")
        )
    ]


def _build_request(
    method: str, url: str, headers: tuple[tuple[str, str], ...], body: str
) -> WebhookRequest:
    path, _separator, query = url.partition("?")
    content = body.encode("utf-8", "replace")
    return WebhookRequest(method, url, content, headers, path=path, query=query)


def _parse_request_line(line: str) -> tuple[str, str]:
    """Return method and URL of `POST /path HTTP/1.1`. Raises PastedRequestError."""
    parts = line.split()
    if not 2 <= len(parts) <= 3 or parts[0].upper() not in METHODS:
        raise PastedRequestError("the first line is neither a request line nor a header")
    return parts[0].upper(), parts[1]


def _parse_headers(lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return names and values. Raises PastedRequestError."""
    if len(lines) > MAX_HEADERS:
        raise PastedRequestError(f"there are more than {MAX_HEADERS} headers")
    headers = []
    for number, line in enumerate(lines, start=1):
        name, separator, value = line.partition(":")
        if not separator or not name.strip():
            raise PastedRequestError(f"header {number} has no colon")
        headers.append((name.strip(), value.strip()))
    return tuple(headers)
