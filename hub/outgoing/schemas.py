"""What events of one type look like, as a JSON Schema: drawn from those that came, as nobody states it. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

VERSION = re.compile(r".+\.v(?P<number>[1-9][0-9]{0,3})", re.ASCII)
DEEPEST, WIDEST = 8, 100  # levels, and fields of one object
KINDS = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))


def version_of(type: str) -> int:
    """What would break who receives it is a type of its own: order.created, then order.created.v2."""
    found = VERSION.fullmatch(type)
    return int(found["number"]) if found else 1


def schema_of(examples: Sequence[Any], *, deep: int = 0) -> dict[str, Any]:
    """Required is what all of them have."""
    kinds = kinds_in(examples)
    made: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    objects = [example for example in examples if isinstance(example, dict)]
    items = [item for example in examples if isinstance(example, list) for item in example[:WIDEST]]
    if deep >= DEEPEST:
        return made
    if objects:
        names = list(dict.fromkeys(name for example in objects for name in example))[:WIDEST]
        values = {name: [example[name] for example in objects if name in example] for name in names}
        made["properties"] = {name: schema_of(found, deep=deep + 1) for name, found in values.items()}
        made["required"] = [name for name in names if len(values[name]) == len(objects)]
    if items:
        made["items"] = schema_of(items, deep=deep + 1)
    return made


def kinds_in(examples: Iterable[Any]) -> list[str]:
    """Whole numbers beside others are numbers."""
    found = {kind_of(example) for example in examples}
    return sorted(found - {"integer"} if "number" in found else found)


def kind_of(value: Any) -> str:
    return next((word for kind, word in KINDS if isinstance(value, kind)), "null")


def paths_in(schema: dict[str, Any], prefix: str) -> list[str]:
    """What a condition can name: every value that is no object, by its way from the top."""
    properties = schema.get("properties")
    if not properties:
        return [prefix]
    return [path for name, below in properties.items() for path in paths_in(below, f"{prefix}.{name}")]
