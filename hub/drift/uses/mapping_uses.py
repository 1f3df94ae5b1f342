"""Find the fields that a mapping writes, and the constants that it writes to them."""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.roles import Action
from hub.drift.uses.schema_use import FieldUse
from hub.mappings.expressions.budget import ExpressionRefused
from hub.mappings.expressions.language import Node, parse_expression

# nodes whose literals decide which value is written, but are not written
CONDITION_NODES = ("comparator", "filter_projection", "not_expression")
# functions that may return one of their arguments; others compute a value of their own
PASSING_CALLS = ("default", "not_null", "text", "to_array", "to_string", "trim")


def list_written_fields(action: Action, body: Mapping[str, Any]) -> tuple[list[FieldUse], bool]:
    """Return the fields that a mapping of this action writes, and whether the list is complete.

    It is incomplete if an expression builds an object whose keys depend on the event.
    """
    fields = body.get(action.fields_input) if action.fields_input else body
    names = _ObjectReader()
    if isinstance(fields, Mapping):
        uses = list(names.read_object(fields, ""))
    else:
        uses = list(names.read_expression_object(fields, ""))
    key_field = body.get("external_id_field")
    if isinstance(key_field, str):
        uses += [FieldUse(name) for name in list_constants(key_field)]
    return uses, names.is_complete


class _ObjectReader:
    """Reads the keys of nested objects; `is_complete` is false if some depend on the event."""

    def __init__(self) -> None:
        self.is_complete = True

    def read_object(self, node: Mapping[str, Any], prefix: str) -> Iterator[FieldUse]:
        for name, child in node.items():
            key = f"{prefix}{name}"
            yield FieldUse(key, frozenset(list_leaf_constants(child)))
            if isinstance(child, Mapping):
                yield from self.read_object(child, f"{key}.")
            elif isinstance(child, str):
                yield from self.read_nested_expression(child, f"{key}.")

    def read_nested_expression(self, text: str, prefix: str) -> Iterator[FieldUse]:
        """Read the keys of the object that the expression of a field builds, if it builds one."""
        tree = parse_tree(text)
        if tree is not None and tree["type"] == "multi_select_dict":
            yield from self._read_dict_node(tree, prefix)

    def read_expression_object(self, value: Any, prefix: str) -> Iterator[FieldUse]:
        """Read the keys of the object with the fields, if an expression builds that object."""
        tree = parse_tree(value) if isinstance(value, str) else None
        if tree is None or tree["type"] != "multi_select_dict":
            self.is_complete = False
            return
        yield from self._read_dict_node(tree, prefix)

    def _read_dict_node(self, tree: Node, prefix: str) -> Iterator[FieldUse]:
        for pair in tree["children"]:
            (child,) = pair["children"]
            key = f"{prefix}{pair['value']}"
            yield FieldUse(key, frozenset(_list_node_constants(child)))
            if child["type"] == "multi_select_dict":
                yield from self._read_dict_node(child, f"{key}.")


def parse_tree(text: str) -> Node | None:
    """Return the tree of an expression; None if the text is not a valid expression."""
    try:
        return parse_expression(text).tree
    except ExpressionRefused:
        return None


def list_leaf_constants(value: Any) -> set[str]:
    """Return the constants of a leaf, or of each element of a list, as text."""
    if isinstance(value, str):
        return list_constants(value)
    if isinstance(value, list):
        return {constant for item in value for constant in list_leaf_constants(item)}
    return {format_constant(value)} if isinstance(value, int | float) else set()


def list_constants(text: str) -> set[str]:
    """Return the constants that an expression may result in, as text."""
    tree = parse_tree(text)
    return set() if tree is None else set(_list_node_constants(tree))


def _list_node_constants(node: Node) -> Iterator[str]:
    pending: list[Any] = [node]
    while pending:
        current = pending.pop()
        if not isinstance(current, dict) or current["type"] in CONDITION_NODES:
            continue
        if current["type"] == "function_expression" and current["value"] not in PASSING_CALLS:
            continue
        if current["type"] == "literal":
            yield from flatten_literal(current["value"])
        pending.extend(current["children"])


def flatten_literal(value: Any) -> Iterator[str]:
    """Yield the constants in a literal, as text."""
    if isinstance(value, list):
        for item in value:
            yield from flatten_literal(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from flatten_literal(item)
    elif isinstance(value, str | int | float):
        yield format_constant(value)


def format_constant(value: str | int | float) -> str:
    """Return the constant as a picklist would contain it: text, or the digits of an id."""
    return str(value).lower() if isinstance(value, bool) else str(value)
