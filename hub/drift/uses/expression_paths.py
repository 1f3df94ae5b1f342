"""Find the paths that an expression reads, and the constants it compares their values with. Pure.

A path is a tuple of names from the root of the document, such as `("data", "record", "Email")`; the
items of a list have the path of the list.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.drift.uses.mapping_uses import (
    PASSING_CALLS,
    flatten_literal,
    parse_tree,
)
from hub.mappings.expressions.language import Node

Path = tuple[str, ...]
PathReads = dict[Path, set[str]]  # the constants with which the value is compared, as text

# nodes of which each child goes on from the value of the one before
CHAIN_NODES = ("flatten", "index_expression", "pipe", "projection", "subexpression")
NODES_WITH_SAME_PATH = ("current", "identity", "index", "slice")
COMPARING_CALLS = ("contains", "ends_with", "starts_with")


def list_path_reads(text: str) -> PathReads:
    """Return what an expression reads; empty if the text is not a valid expression."""
    tree = parse_tree(text)
    reader = _PathReader()
    if tree is not None:
        reader.read(tree, ())
    return reader.reads


def list_leaf_reads(leaf: Any) -> PathReads:
    """Return what the expressions in a mapping's value, list or object read."""
    if isinstance(leaf, str):
        return list_path_reads(leaf)
    reads: PathReads = {}
    for child in _list_children(leaf):
        for path, constants in list_leaf_reads(child).items():
            reads.setdefault(path, set()).update(constants)
    return reads


def _list_children(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []


def find_required_values(text: str) -> dict[Path, str]:
    """Return the texts that a filter requires at paths: `path == 'text'` joined by &&."""
    required: dict[Path, str] = {}
    pending = [parse_tree(text)] if text else []
    while pending:
        node = pending.pop()
        if node is None:
            continue
        if node["type"] == "and_expression":
            pending.extend(node["children"])
        if node["type"] == "comparator" and node["value"] == "eq":
            paths = [path for child in node["children"] if (path := _PathReader().visit(child, ()))]
            constants = [text for child in node["children"] for text in _list_literals(child)]
            if len(paths) == len(constants) == 1:
                required[paths[0]] = constants[0]
    return required


class _PathReader:
    """Collects the paths that an expression tree reads in `reads`."""

    def __init__(self) -> None:
        self.reads: PathReads = {}

    def read(self, node: Node, base: Path | None) -> Path | None:
        """Collect the paths read by a node whose value is used; return the path of the value."""
        path = self.visit(node, base)
        if path:
            self.reads.setdefault(path, set())
        return path

    def visit(self, node: Node, base: Path | None) -> Path | None:
        """Collect the paths read inside a node; return the path of its value, or None.

        `base` is the path of the value on which the node works; None if that is computed.
        """
        kind, children = node["type"], node["children"]
        if kind == "field":
            return None if base is None else (*base, node["value"])
        if kind in NODES_WITH_SAME_PATH:
            return base
        if kind in CHAIN_NODES:
            for child in children:
                base = self.visit(child, base)
            return base
        if kind == "filter_projection":
            return self._visit_filter(children, base)
        if kind in ("comparator", "function_expression", "or_expression"):
            return self._visit_operands(node, base)
        self._visit_parts(kind, children, base)
        return None

    def _visit_filter(self, children: Sequence[Node], base: Path | None) -> Path | None:
        items = self.visit(children[0], base)
        self.read(children[2], items)
        return self.visit(children[1], items)

    def _visit_operands(self, node: Node, base: Path | None) -> Path | None:
        """Visit operands, one of which may be the value; collect constants compared with them."""
        operands = [child for child in node["children"] if isinstance(child, dict)]
        plain = [child for child in operands if child["type"] != "expref"]
        paths = [path for child in plain if (path := self.read(child, base))]
        for child in operands:
            if child["type"] == "expref":  # it works on the items of the other operand
                self.read(child["children"][0], paths[0] if paths else None)
        if node["type"] == "comparator" or node.get("value") in COMPARING_CALLS:
            constants = {text for child in plain for text in _list_literals(child)}
            for path in paths:
                self.reads[path] |= constants
            return None
        passes = node["type"] == "or_expression" or node["value"] in PASSING_CALLS
        return paths[0] if passes and paths else None

    def _visit_parts(self, kind: str, children: Sequence[Any], base: Path | None) -> None:
        """Visit the parts of a computed value, such as a list or an object."""
        if kind == "value_projection":  # names that only an event shows
            self.read(children[0], base)
            self.visit(children[1], None)
            return
        for child in children:
            if isinstance(child, dict):
                self.read(child, base)


def _list_literals(node: Node) -> set[str]:
    return set(flatten_literal(node["value"])) if node["type"] == "literal" else set()
