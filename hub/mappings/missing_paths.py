"""Find paths of a field mapping that yield nothing in a document, often because of a typo."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.mappings.expressions.language import Node, extract_path_names
from hub.mappings.translate import CompiledMapping

MissingPath = tuple[str, str]  # a JSON pointer into the mapping, and the path that found nothing
ALTERNATIVE_FUNCTIONS = {"default", "not_null"}  # functions that state a default
# Nodes whose first child reads the document; the right side of a projection reads its elements.
ROOT_NODES = {"function_expression", "multi_select_list", "multi_select_dict", "key_val_pair"}
FIRST_CHILD_ROOT_NODES = {
    "subexpression",
    "index_expression",
    "projection",
    "value_projection",
    "filter_projection",
    "flatten",
    "pipe",
    "slice",
}


def find_missing_paths(
    mapping: CompiledMapping, document: Mapping[str, Any], result: Any
) -> tuple[MissingPath, ...]:
    """Return the paths that yield nothing, unless the expression has a default for that case.

    `result` is the result of the mapping. If an expression has no result although every path in it
    has a value, the whole expression is returned.
    """
    gaps: list[MissingPath] = []
    for leaf in mapping.leaves:
        paths = [
            ".".join(path)
            for path in _iterate_root_paths(leaf.expression.tree)
            if get_value_at_path(document, path) is None
        ]
        if (
            not paths
            and _get_value_at_pointer(result, leaf.path) is None
            and not _has_alternative(leaf.expression.tree)
        ):
            paths = [leaf.expression.text]
        gaps += [(leaf.path, path) for path in dict.fromkeys(paths)]
    return tuple(gaps)


def _has_alternative(node: Node) -> bool:
    return node["type"] == "or_expression" or node.get("value") in ALTERNATIVE_FUNCTIONS


def _iterate_root_paths(node: Node) -> Iterator[tuple[str, ...]]:
    """Return the plain paths, such as data.number, that an expression reads from the document."""
    if names := extract_path_names(node):
        yield names
    elif _has_alternative(node):
        return
    elif node["type"] in ROOT_NODES:
        for child in node["children"]:
            yield from _iterate_root_paths(child)
    elif node["type"] in FIRST_CHILD_ROOT_NODES:
        yield from _iterate_root_paths(node["children"][0])


def get_value_at_path(document: Any, path: Sequence[str]) -> Any:
    """Return the value at a path of names; None if there is none."""
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _get_value_at_pointer(result: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer of the result, which has the shape of the mapping."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        result = result[int(name)] if isinstance(result, list) else result[name]
    return result
