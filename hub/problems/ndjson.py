"""Read bodies of NDJSON: JSON documents, one a line. The view parses the lines."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from hub.problems.parse_budget import reserve_parsing
from hub.problems.responses import Problem
from hub.problems.strict_json import read_bounded_body, require_utf8


class NdjsonParser(BaseParser):
    """Returns the bytes of a body of limited size, `view.max_bytes`, also as `request.raw_body`."""

    media_type = "application/x-ndjson"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:  # bytes
        assert parser_context is not None, "the framework gives the request and its view"
        request, view = parser_context["request"], parser_context["view"]
        require_utf8(request.META)
        body = read_bounded_body(stream, view.max_bytes)
        if len(body) < int(request.META.get("CONTENT_LENGTH") or 0):
            raise Problem("unreadable-body")  # cut off in transit
        request.raw_body = body
        reserve_parsing(request, body)
        return body


class JsonLinesParser(NdjsonParser):
    """The same format under its other name."""

    media_type = "application/jsonl"
