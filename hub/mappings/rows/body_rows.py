"""A whole body as rows, and rows as a body."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from hub.mappings.body_order import iterate_leaves
from hub.mappings.rows.field_paths import (
    InvalidFieldPath,
    Segment,
    Segments,
    format_field_path,
    parse_field_path,
    parse_pointer,
)
from hub.mappings.rows.row_values import InvalidRow, Row, leaf_of_row, row_of_leaf
from hub.mappings.translate import MAPPING_MAX_LEAVES, MappingError, compile_mapping

Tree = dict[Segment, Any]  # of names or of list positions: another tree, or a Leaf


class InvalidRows(ValueError):
    """The rows do not form a valid body. `errors`: by row, from 0; `problem`: of all rows."""

    def __init__(self, errors: Mapping[int, str], problem: str = "") -> None:
        super().__init__(errors, problem)
        self.errors = dict(errors)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Leaf:
    value: Any


# --- a body as rows -------------------------------------------------------------------------------


def rows_of_body(body: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a body, one for each leaf, in the order of the body."""
    return [row_of_leaf(format_field_path(path), leaf) for path, leaf in iterate_leaves(body)]


# --- rows as a body -------------------------------------------------------------------------------


def body_of_rows(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the body that these rows describe; gaps between list positions are closed.

    Raises InvalidRows with an error for each row that cannot be used.
    """
    if len(rows) > MAPPING_MAX_LEAVES:
        raise InvalidRows(
            {}, _("A mapping has at most %(count)s fields.") % {"count": MAPPING_MAX_LEAVES}
        )
    builder = _BodyBuilder()
    for number, row in enumerate(rows):
        builder.add(number, row)
    if builder.errors:
        raise InvalidRows(builder.errors)
    body: dict[str, Any] = _build_node(builder.tree)
    try:
        compile_mapping(body)
    except MappingError as error:
        raise builder.locate_error(error) from None
    return body


@dataclass
class _BodyBuilder:
    tree: Tree = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    numbers: dict[Segments, int] = field(default_factory=dict)

    def add(self, number: int, row: Row) -> None:
        """Add the row's leaf to the tree, or record its error."""
        try:
            segments = parse_field_path(row.path)
            leaf = Leaf(leaf_of_row(row))
            _place_leaf(self.tree, segments, leaf)
        except (InvalidFieldPath, InvalidRow) as error:
            self.errors[number] = str(error)
        else:
            self.numbers[segments] = number

    def locate_error(self, error: MappingError) -> InvalidRows:
        """Return the error with the number of its row: the first at or below the JSON pointer."""
        parts = parse_pointer(error.path)
        for segments, number in self.numbers.items():
            if parts and tuple(map(str, segments))[: len(parts)] == parts:
                return InvalidRows(
                    {number: _("The value %(problem)s.") % {"problem": error.message}}
                )
        return InvalidRows({}, _("The mapping %(problem)s.") % {"problem": error.message})


def _place_leaf(tree: Tree, segments: Segments, leaf: Leaf) -> None:
    """Add a leaf to the tree. Raises InvalidRow if it conflicts with another row."""
    node: Any = tree
    for depth, segment in enumerate(segments):
        is_last = depth == len(segments) - 1
        if not isinstance(node, dict):
            name = format_field_path(segments[:depth])
            raise InvalidRow(_("Another row already fills %(field)s.") % {"field": name})
        if node and type(next(iter(node))) is not type(segment):
            raise InvalidRow(_describe_other_shape(segment, segments[:depth]))
        if is_last and segment in node:
            raise InvalidRow(_("Another row already fills this field, or a part of it."))
        node = node.setdefault(segment, leaf if is_last else {})


def _describe_other_shape(segment: Segment, parent: Segments) -> str:
    name = {"field": format_field_path(parent)}
    if isinstance(segment, int):
        return _("In another row %(field)s is an object, not a list.") % name
    return _("In another row %(field)s is a list, not an object.") % name


def _build_node(node: Any) -> Any:
    if isinstance(node, Leaf):
        return node.value
    if node and isinstance(next(iter(node)), int):
        return [_build_node(node[index]) for index in sorted(node)]
    return {name: _build_node(child) for name, child in node.items()}
