"""Parts of integrations as JSON documents: merged and compared leaf by leaf.

A leaf is any value other than a non-empty object; its path is the tuple of keys that lead to it.
Lists are leaves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
Path = tuple[str, ...]


class Absent:
    """The value of a leaf that is absent from a document."""


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """A leaf that differs; a value is None if the leaf was, or will be, absent."""

    path: str
    before: Any
    after: Any


def flatten_document(document: Document, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the leaves of a document with their paths."""
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from flatten_document(value, (*path, key))
        else:
            yield (*path, key), value


def merge_documents(current: Document, made: Document, wanted: Document) -> dict[str, Any]:
    """Return the current document with the differences between `made` and `wanted` applied.

    A leaf that is the same in `made` and `wanted` keeps its current value, as a person may have
    changed it.
    """
    leaves = dict(flatten_document(current))
    made_leaves, wanted_leaves = dict(flatten_document(made)), dict(flatten_document(wanted))
    for path in {**made_leaves, **wanted_leaves}:
        value = wanted_leaves.get(path, ABSENT)
        if not is_same_leaf(made_leaves.get(path, ABSENT), value):
            leaves.pop(path, None)
            if value is not ABSENT:
                leaves[path] = value
    return build_document(leaves)


def build_document(leaves: Mapping[Path, Any]) -> dict[str, Any]:
    """Return the document with these leaves; if two exclude each other, with the later one."""
    document: dict[str, Any] = {}
    for path, value in leaves.items():
        node = document
        for key in path[:-1]:
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
        node[path[-1]] = value
    return document


def is_same_leaf(first: Any, second: Any) -> bool:
    """Compare as JSON: true is not 1."""
    return type(first) is type(second) and bool(first == second)


def list_changes(before: Document, after: Document) -> list[Change]:
    """Return the leaves that differ, in the order of their paths."""
    old, new = dict(flatten_document(before)), dict(flatten_document(after))
    return [
        Change(".".join(path), old.get(path), new.get(path))
        for path in sorted({**old, **new})
        if not is_same_leaf(old.get(path, ABSENT), new.get(path, ABSENT))
    ]
