"""Which paths of a field mapping found nothing in a document: most often a name that is not written right. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from hub.mappings.expressions.language import Node, names_of
from hub.mappings.translate import CompiledMapping

Gap = tuple[str, str]  # a JSON pointer into the mapping, and the path that found nothing
ALTERNATIVES = {"default", "not_null"}  # functions that state what stands in for nothing
# What is read from the document itself; what stands to the right of a projection is read from its elements.
AT_THE_ROOT = {"function_expression", "multi_select_list", "multi_select_dict", "key_val_pair"}
FIRST_AT_THE_ROOT = {
    "subexpression", "index_expression", "projection", "value_projection", "filter_projection", "flatten", "pipe",
    "slice",
}  # fmt: skip


def missing_paths(mapping: CompiledMapping, document: Mapping[str, Any], made: Any) -> tuple[Gap, ...]:
    """The paths that found nothing, where the expression does not state what stands in for it.

    `made` is what the mapping came to: an expression that came to nothing is named as a whole where no single path of
    it did.
    """
    found: list[Gap] = []
    for leaf in mapping.leaves:
        paths = [".".join(path) for path in root_paths(leaf.expression.tree) if value_at(document, path) is None]
        if not paths and value_of(made, leaf.path) is None and not states_alternatives(leaf.expression.tree):
            paths = [leaf.expression.text]
        found += [(leaf.path, path) for path in dict.fromkeys(paths)]
    return tuple(found)


def states_alternatives(node: Node) -> bool:
    return node["type"] == "or_expression" or node.get("value") in ALTERNATIVES


def root_paths(node: Node) -> Iterator[tuple[str, ...]]:
    """The plain paths, such as data.number, that an expression reads from the document itself."""
    if names := names_of(node):
        yield names
    elif states_alternatives(node):
        return
    elif node["type"] in AT_THE_ROOT:
        for child in node["children"]:
            yield from root_paths(child)
    elif node["type"] in FIRST_AT_THE_ROOT:
        yield from root_paths(node["children"][0])


def value_at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def value_of(made: Any, pointer: str) -> Any:
    """What stands at a JSON pointer of the result, which has the shape of the mapping."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        made = made[int(name)] if isinstance(made, list) else made[name]
    return made
