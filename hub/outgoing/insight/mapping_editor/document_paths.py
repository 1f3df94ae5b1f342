"""The paths that a mapping can read, from real events."""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.http import encode_json
from hub.mappings.rows.field_paths import Segments, format_expression_path
from hub.outgoing.insight.mapping_editor.mapping_use import EventDocument

PATHS_LIMIT = 300
ITEMS_PER_LIST = 1  # of a list, whose paths are offered
EXAMPLE_LENGTH = 60  # characters


def list_document_paths(documents: Sequence[EventDocument]) -> list[tuple[str, str]]:
    """List the paths that a mapping can read, each with a value from the newest event that has it.

    Of a list only the first item is listed.
    """
    paths: dict[str, str] = {}
    for _event, document in documents:
        for segments, value in _iterate_values(document, ()):
            if len(paths) < PATHS_LIMIT:
                paths.setdefault(format_expression_path(segments), _format_example(value))
    return list(paths.items())


def _iterate_values(value: Any, segments: Segments) -> Iterator[tuple[Segments, Any]]:
    if isinstance(value, dict) and value:
        for name, child in value.items():
            yield from _iterate_values(child, (*segments, name))
        return
    yield segments, value
    if isinstance(value, list):
        for index, child in enumerate(value[:ITEMS_PER_LIST]):
            yield from _iterate_values(child, (*segments, index))


def _format_example(value: Any) -> str:
    text = value if isinstance(value, str) else encode_json(value)
    return text if len(text) <= EXAMPLE_LENGTH else f"{text[: EXAMPLE_LENGTH - 1]}…"
