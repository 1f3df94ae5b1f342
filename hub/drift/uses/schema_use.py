"""The use of an object's fields by one route or job, as a value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldUse:
    """The use of one field.

    `constants`: the values that it may be given which do not depend on an event, as text.
    """

    key: str
    constants: frozenset[str] = frozenset()
    is_written: bool = True


@dataclass(frozen=True, slots=True)
class SchemaUse:
    """The use of an object by one route or job.

    `subject` describes the route or job for people: see DriftFinding.breaks. `creates`: it may
    create records, and `fields` names all that it writes.
    """

    object_key: str
    subject: Mapping[str, Any]
    fields: Mapping[str, FieldUse] = field(default_factory=dict)  # by fold_key(key)
    creates: bool = False

    def find(self, key: str) -> FieldUse | None:
        return self.fields.get(fold_key(key))


def fold_key(key: str) -> str:
    """Return the key for comparisons: systems do not distinguish upper and lower case in names."""
    return key.casefold()


def index_uses(uses: Iterable[FieldUse]) -> dict[str, FieldUse]:
    """Return the uses by key; uses of the same field are joined."""
    indexed: dict[str, FieldUse] = {}
    for use in uses:
        earlier = indexed.get(fold_key(use.key))
        if earlier is not None:
            use = FieldUse(
                earlier.key,
                earlier.constants | use.constants,
                earlier.is_written or use.is_written,
            )
        indexed[fold_key(use.key)] = use
    return indexed
