"""The order of fields in the body of a mapping, as PostgreSQL does not keep it in JSON.

A leaf is a value that is not an object or a list, or an empty one; its path consists of the names
and list positions that lead to it. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.schema import Input

Segment = str | int
Segments = tuple[Segment, ...]
SortKey = Callable[[Segments], tuple[Any, ...]]


def iterate_leaves(node: Any, path: Segments = ()) -> Iterator[tuple[Segments, Any]]:
    """Yield the leaves of a body with their paths, in its order."""
    if isinstance(node, dict) and (node or not path):
        for name, child in node.items():
            yield from iterate_leaves(child, (*path, name))
    elif isinstance(node, list) and node:
        for index, child in enumerate(node):
            yield from iterate_leaves(child, (*path, index))
    else:
        yield path, node


def list_leaf_paths(body: Mapping[str, Any]) -> list[list[Segment]]:
    """List the paths of the leaves, as JSON that `sort_by_paths` takes."""
    return [list(path) for path, _leaf in iterate_leaves(body)]


def sort_by_paths(body: Mapping[str, Any], paths: Iterable[Sequence[Segment]]) -> dict[str, Any]:
    """Return the body with its names sorted by their first occurrence in the paths."""
    positions: dict[Segments, int] = {}
    for path in paths:
        for depth in range(1, len(path) + 1):
            positions.setdefault(tuple(path[:depth]), len(positions))
    return _sort_object(body, (), lambda path: (positions.get(path, len(positions)), path[-1]))


def sort_by_inputs(body: Mapping[str, Any], inputs: Sequence[Input]) -> dict[str, Any]:
    """Return the body: required inputs first, then other inputs, then other names by alphabet."""
    sorted_inputs = sorted(inputs, key=lambda entry: not entry.required)
    positions: dict[Segments, int] = {
        (entry.key,): number for number, entry in enumerate(sorted_inputs)
    }
    return _sort_object(body, (), lambda path: (positions.get(path, len(positions)), path[-1]))


def _sort_object(node: Mapping[str, Any], path: Segments, key: SortKey) -> dict[str, Any]:
    names = sorted(node, key=lambda name: key((*path, name)))
    return {name: _sort_node(node[name], (*path, name), key) for name in names}


def _sort_node(node: Any, path: Segments, key: SortKey) -> Any:
    if isinstance(node, Mapping):
        return _sort_object(node, path, key)
    if isinstance(node, list):
        return [_sort_node(child, (*path, index), key) for index, child in enumerate(node)]
    return node
