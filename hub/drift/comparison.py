"""Compare two reads of an object's fields, and find the changes that break uses. Pure.

A finding needs a used field that existed before. A new field is taken for a renamed one only if the
match is unambiguous.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from connectors.object_schemas import SchemaField
from hub.drift.uses.schema_use import FieldUse, SchemaUse, fold_key

RENAMED, REMOVED, RETYPED = "renamed", "removed", "retyped"
NEWLY_REQUIRED, PICKLIST_VALUE_GONE = "newly_required", "picklist_value_gone"
OBJECT_REMOVED = "object_removed"  # with all of its fields
SIMILARITY_MIN = 0.8  # of the letters of two keys
READ_ONLY = "read-only"
PICKLISTS = ("picklist", "multipicklist")

Fields = Sequence[SchemaField]
FieldsByKey = dict[str, SchemaField]  # by fold_key(key)


@dataclass(frozen=True, slots=True)
class Drift:
    """One change that breaks `uses`. `before` and `after` are the keys, types or value.

    `field` is "" if the whole object was removed.
    """

    change: str
    field_key: str
    field_label: str
    before: str
    after: str
    uses: tuple[SchemaUse, ...]


def find_drift(before: Fields, after: Fields, uses: Sequence[SchemaUse]) -> list[Drift]:
    """Return the changes between two complete reads that break a use, by field."""
    old, new = index_fields(before), index_fields(after)
    gone = _find_gone_fields(old, new, uses)
    successors = {fold_key(drift.after) for drift in gone if drift.change == RENAMED}
    return [
        *gone,
        *_find_retyped_fields(old, new, uses),
        *_find_required_fields(old, new, uses, successors),
        *_find_gone_values(old, new, uses),
    ]


def advance_baseline(before: Fields, after: Fields, drifts: Iterable[Drift]) -> list[SchemaField]:
    """Return the next baseline: the fields as read last, but those with a finding as before.

    A finding is therefore found again until the schema or the use is repaired.
    """
    old, fields = index_fields(before), index_fields(after)
    for drift in drifts:
        key = fold_key(drift.field_key)
        if drift.change == RENAMED:
            fields.pop(fold_key(drift.after), None)
        if key in old:
            fields[key] = old[key]
        else:  # it is required since it exists
            fields.pop(key, None)
    return list(fields.values())


def build_object_drift(uses: Sequence[SchemaUse]) -> Drift:
    """Build the drift of a removed object, which breaks all of its uses."""
    return Drift(OBJECT_REMOVED, "", "", "", "", tuple(uses))


def index_fields(fields: Fields) -> FieldsByKey:
    return {fold_key(field.key): field for field in fields}


def _find_uses(key: str, uses: Sequence[SchemaUse]) -> list[tuple[SchemaUse, FieldUse]]:
    return [(use, field) for use in uses if (field := use.find(key)) is not None]


# --- removed and renamed --------------------------------------------------------------------------


def _find_gone_fields(old: FieldsByKey, new: FieldsByKey, uses: Sequence[SchemaUse]) -> list[Drift]:
    gone = [old[key] for key in old if key not in new and _find_uses(key, uses)]
    added = [new[key] for key in new if key not in old]
    successors = _match_renamed_fields(gone, added, [old[key] for key in old if key not in new])
    drifts = []
    for field in gone:
        successor = successors.get(field.key)
        drifts.append(
            Drift(
                RENAMED if successor else REMOVED,
                field.key,
                field.label,
                field.key,
                successor.key if successor else "",
                tuple(use for use, _field in _find_uses(field.key, uses)),
            )
        )
    return drifts


def _match_renamed_fields(
    gone: Sequence[SchemaField], added: Sequence[SchemaField], all_gone: Sequence[SchemaField]
) -> dict[str, SchemaField]:
    """Return the new field of each renamed one, by the old key.

    An added field is the successor of a removed one if it has the same type, and the same label or
    nearly the same key; the match must be unique in both directions.
    """
    candidates = {
        field.key: [entry for entry in added if _is_successor(field, entry)] for field in all_gone
    }
    claims: dict[str, int] = {}
    for entries in candidates.values():
        for entry in entries:
            claims[entry.key] = claims.get(entry.key, 0) + 1
    return {
        field.key: candidates[field.key][0]
        for field in gone
        if len(candidates[field.key]) == 1 and claims[candidates[field.key][0].key] == 1
    }


def _is_successor(old: SchemaField, new: SchemaField) -> bool:
    if old.type != new.type or old.writable != new.writable:
        return False
    if old.label.strip() and old.label.strip().casefold() == new.label.strip().casefold():
        return True
    return SequenceMatcher(None, _bare_key(old.key), _bare_key(new.key)).ratio() >= SIMILARITY_MIN


def _bare_key(key: str) -> str:
    """Reduce a key to letters and digits, without the mark of a custom field."""
    name = key.rpartition(".")[2].casefold().removesuffix("__c")
    return "".join(letter for letter in name if letter.isalnum())


# --- retyped, required, values --------------------------------------------------------------------


def _find_retyped_fields(
    old: FieldsByKey, new: FieldsByKey, uses: Sequence[SchemaUse]
) -> Iterator[Drift]:
    for key, field in old.items():
        current, using = new.get(key), _find_uses(key, uses)
        if current is None or not using:
            continue
        if current.type != field.type:
            affected = tuple(use for use, _field in using)
            yield Drift(RETYPED, field.key, current.label, field.type, current.type, affected)
        elif field.writable and not current.writable:
            affected = tuple(use for use, entry in using if entry.is_written)
            if affected:
                yield Drift(RETYPED, field.key, current.label, field.type, READ_ONLY, affected)


def _find_required_fields(
    old: FieldsByKey, new: FieldsByKey, uses: Sequence[SchemaUse], successors: set[str]
) -> Iterator[Drift]:
    """Yield fields that became required, and that a use which creates records does not set."""
    for key, field in new.items():
        if not field.required or key in successors or (key in old and old[key].required):
            continue
        affected = tuple(use for use in uses if use.creates and use.find(key) is None)
        if affected:
            yield Drift(NEWLY_REQUIRED, field.key, field.label, "", "", affected)


def _find_gone_values(
    old: FieldsByKey, new: FieldsByKey, uses: Sequence[SchemaUse]
) -> Iterator[Drift]:
    """Yield the removed values of picklists that a use needs.

    A use needs a value if it compares with it, or writes it to a field that accepts only listed
    values.
    """
    for key, field in old.items():
        current = new.get(key)
        if current is None or current.type != field.type or field.type not in PICKLISTS:
            continue
        left = {value for value, _label in current.picklist}
        for value, label in field.picklist:
            affected = tuple(
                use
                for use, entry in _find_uses(key, uses)
                if value not in left and _needs_value(entry, value, current)
            )
            if affected:
                yield Drift(PICKLIST_VALUE_GONE, field.key, current.label, value, label, affected)


def _needs_value(use: FieldUse, value: str, field: SchemaField) -> bool:
    is_refused = field.restricted and use.is_written and value in use.constants
    return is_refused or value in use.compared_values
