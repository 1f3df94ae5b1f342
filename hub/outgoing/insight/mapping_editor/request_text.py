"""A request as text, redacted, and the differences between two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from connectors.http import Request
from hub.crypto.redaction import MASK, mask_headers, redact_all, redact_excerpt
from hub.outgoing.insight.bodies import indent_json
from hub.outgoing.insight.mapping_editor.masked_credential import PLACEHOLDER

BODY_LENGTH_MAX = 10_000  # characters


@dataclass(frozen=True, slots=True)
class RequestText:
    """A request as displayed, without secrets."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: str  # indented, at most BODY_LENGTH_MAX characters

    @property
    def lines(self) -> list[str]:
        headers = [f"{name}: {value}" for name, value in self.headers]
        return [f"{self.method} {self.url}", *headers, "", *self.body.splitlines()]


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """A line of one request; `changed` if the other request has no equal line at this place."""

    kind: Literal["same", "changed"]
    text: str


def build_request_text(request: Request) -> RequestText:
    """Write a request that was built with a masked credential as text."""
    headers = {
        name: MASK if "signature" in name.lower() else value
        for name, value in mask_headers(request.all_headers()).items()
    }
    content = request.content().decode("utf-8", "replace")
    url, *values = redact_all([request.url, *headers.values()], [PLACEHOLDER])
    body = redact_excerpt(indent_json(content) or content, BODY_LENGTH_MAX, [PLACEHOLDER])
    return RequestText(request.method, url, list(zip(headers, values, strict=True)), body)


def compare_request_texts(
    before: RequestText, after: RequestText
) -> tuple[list[ComparedLine], list[ComparedLine]]:
    """Return the lines of both requests, those that differ marked."""
    old, new = before.lines, after.lines
    old_lines: list[ComparedLine] = []
    new_lines: list[ComparedLine] = []
    for kind, old_start, old_end, new_start, new_end in SequenceMatcher(
        None, old, new
    ).get_opcodes():
        mark: Literal["same", "changed"] = "same" if kind == "equal" else "changed"
        old_lines += [ComparedLine(mark, line) for line in old[old_start:old_end]]
        new_lines += [ComparedLine(mark, line) for line in new[new_start:new_end]]
    return old_lines, new_lines
