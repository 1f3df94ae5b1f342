"""JSON Schema of an event type, inferred from the events that were accepted. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

VERSION = re.compile(r".+\.v(?P<number>[1-9][0-9]{0,3})", re.ASCII)
SCHEMA_MAX_DEPTH, SCHEMA_MAX_FIELDS = 8, 100  # levels, and fields of one object
JSON_TYPES = (
    (bool, "boolean"),
    (int, "integer"),
    ((float, Decimal), "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def parse_type_version(type: str) -> int:
    """Return the version in an event type: 2 for order.created.v2, 1 for order.created."""
    match = VERSION.fullmatch(type)
    return int(match["number"]) if match else 1


def infer_schema(examples: Sequence[Any], *, depth: int = 0) -> dict[str, Any]:
    """Infer the schema of some values; properties that all objects have are required."""
    kinds = _infer_kinds(examples)
    schema: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    objects = [example for example in examples if isinstance(example, dict)]
    items = [
        item
        for example in examples
        if isinstance(example, list)
        for item in example[:SCHEMA_MAX_FIELDS]
    ]
    if depth >= SCHEMA_MAX_DEPTH:
        return schema
    if objects:
        names = list(dict.fromkeys(name for example in objects for name in example))[
            :SCHEMA_MAX_FIELDS
        ]
        values = {name: [example[name] for example in objects if name in example] for name in names}
        schema["properties"] = {
            name: infer_schema(samples, depth=depth + 1) for name, samples in values.items()
        }
        schema["required"] = [name for name in names if len(values[name]) == len(objects)]
    if items:
        schema["items"] = infer_schema(items, depth=depth + 1)
    return schema


def _infer_kinds(examples: Iterable[Any]) -> list[str]:
    """Return the JSON types of the values; integers mixed with other numbers are numbers."""
    kinds = {_get_json_kind(example) for example in examples}
    return sorted(kinds - {"integer"} if "number" in kinds else kinds)


def _get_json_kind(value: Any) -> str:
    return next((word for kind, word in JSON_TYPES if isinstance(value, kind)), "null")


def list_schema_paths(schema: Mapping[str, Any], prefix: str) -> list[str]:
    """List the paths that a filter can name: to every value that is not an object."""
    properties = schema.get("properties")
    if not properties:
        return [prefix]
    return [
        path
        for name, below in properties.items()
        for path in list_schema_paths(below, f"{prefix}.{name}")
    ]
