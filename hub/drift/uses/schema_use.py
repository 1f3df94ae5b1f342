"""The use of an object's fields by one route or job, as a value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldUse:
    """The use of one field.

    `constants`: the constant values that may be written to it, as text. `compared_values`: the
    constants with which it is compared. `reads`: the paths in events that read it, each with the
    place: `filter`, `mapping` or `order_key`.
    """

    key: str
    constants: frozenset[str] = frozenset()
    is_written: bool = True
    compared_values: frozenset[str] = frozenset()
    reads: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class SchemaUse:
    """The use of an object by one route or job.

    `subject` describes the route or job for people: see DriftFinding.breaks. `creates`: it may
    create records, and `fields` contains all fields that it writes. `is_source`: it is a route of
    events that the system sends.
    """

    object_key: str
    subject: Mapping[str, Any]
    fields: Mapping[str, FieldUse] = field(default_factory=dict)  # by fold_key(key)
    creates: bool = False
    is_source: bool = False

    def find(self, key: str) -> FieldUse | None:
        return self.fields.get(fold_key(key))

    def describe(self, key: str = "") -> dict[str, Any]:
        """Return a subject with what it reads of this field, or of the object if the key is ""."""
        uses = self.fields.values() if not key else [use for use in [self.find(key)] if use]
        places: dict[str, list[str]] = {}
        for path, place in sorted({read for use in uses for read in use.reads}):
            places.setdefault(path, []).append(place)
        reads = [{"path": path, "places": names} for path, names in places.items()]
        return {**self.subject, "is_source": self.is_source, "reads": reads}


def fold_key(key: str) -> str:
    """Return the key in lower case, for comparisons: systems ignore the case of names."""
    return key.casefold()


def index_uses(uses: Iterable[FieldUse]) -> dict[str, FieldUse]:
    """Return the uses by key; uses of the same field are merged."""
    indexed: dict[str, FieldUse] = {}
    for use in uses:
        earlier = indexed.get(fold_key(use.key))
        if earlier is not None:
            use = FieldUse(
                earlier.key,
                earlier.constants | use.constants,
                earlier.is_written or use.is_written,
                earlier.compared_values | use.compared_values,
                earlier.reads | use.reads,
            )
        indexed[fold_key(use.key)] = use
    return indexed
