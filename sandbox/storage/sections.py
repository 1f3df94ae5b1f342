"""Sections of the accounts file: one for each system, checked, built and merged by its account
class.
"""

from dataclasses import MISSING, fields
from types import UnionType
from typing import Any, Generic, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

A = TypeVar("A")
T_co = TypeVar("T_co", covariant=True)


class Section(Protocol[T_co]):
    """One key of the accounts file. Both methods raise ValueError with a sentence for wrong
    input.
    """

    key: str

    def build(self, raw: Any, systems: frozenset[str]) -> T_co:
        """Return the accounts of this section; `raw` is None where the file has none."""
        ...

    def merge(self, stored: Any, posted: Any, systems: frozenset[str]) -> Any:
        """Return the JSON of `stored` with the fields of `posted`."""
        ...


class AccountList(Generic[A]):
    """A list of accounts, each known by the values of its fields `names`, joined by a space."""

    def __init__(self, key: str, kind: type[A], *names: str):
        self.key = key
        self.kind = kind
        self.names = names

    def build(self, raw: Any, systems: frozenset[str]) -> dict[str, A]:
        if not isinstance(raw or [], list):
            raise ValueError(f"{self.key} is a list")
        accounts = [build_entry(self.kind, entry, self.key) for entry in raw or []]
        return {
            " ".join(getattr(account, name) for name in self.names): account for account in accounts
        }

    def merge(self, stored: Any, posted: Any, systems: frozenset[str]) -> list[dict[str, Any]]:
        self.build(posted, systems)
        return merge_lists(stored or [], posted, self.names)


def build_entry(kind: type[A], entry: Any, section: str) -> A:
    """Return the dataclass `kind` made of a JSON object. Raises ValueError with a sentence."""
    if not isinstance(entry, dict):
        raise ValueError(f"{section}: an entry is a JSON object")
    hints = get_type_hints(kind)
    for name, value in entry.items():
        if name not in hints:
            raise ValueError(f"{section}: unknown field {name!r}")
        if not is_instance(value, hints[name]):
            raise ValueError(f"{section}: {name} has the wrong type")
    for name in required_fields(kind):
        if not entry.get(name):
            raise ValueError(f"{section}: {name} is required")
    return kind(**entry)


def required_fields(kind: Any) -> list[str]:
    return [
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    ]


def is_instance(value: Any, hint: Any) -> bool:
    """Whether a JSON value has the type of an annotation."""
    if get_origin(hint) is UnionType:
        return any(is_instance(value, option) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is list:
        item_hint = get_args(hint)[0]
        return isinstance(value, list) and all(is_instance(item, item_hint) for item in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)


def merge_lists(
    stored: list[dict[str, Any]], posted: list[dict[str, Any]], names: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return `stored` with the posted entries: merged where all `names` are equal, else
    appended.
    """
    by_key = {tuple(entry.get(name) for name in names): entry for entry in stored}
    for entry in posted:
        key = tuple(entry.get(name) for name in names)
        by_key[key] = by_key.get(key, {}) | entry
    return list(by_key.values())
