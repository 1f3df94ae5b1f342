"""A company's fields as the control changes them.

The key and the type of a field never change in Pipedrive: a renamed one is a new field with the
same name, to which the values were moved. Only fields that the company made are renamed, removed
and retyped.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.custom_fields import OPTION_TYPES, parse_custom_field
from sandbox.pipedrive.fields.field_lists import READ_ONLY, all_fields
from sandbox.pipedrive.kinds import KINDS, Kind
from sandbox.schema_changes import SchemaChange

KEY = re.compile(r"[0-9a-f]{40}")
Entries = dict[str, Any]  # what the world states of each field, by its key
Edit = Callable[[Entries, SchemaChange], Entries]


def find_changed_kind(object: str) -> Kind:
    """Raises ValueError with a sentence."""
    kind = KINDS.get(object)
    if kind is None or kind.custom_of != object:
        raise ValueError("object is one of deals, persons, organizations")
    return kind


def make_change(company: Company, change: SchemaChange) -> dict[str, Any]:
    """What changes of the company. Raises ValueError with a sentence."""
    kind = find_changed_kind(change.object)
    if change.change == "require" and change.field in kind.fields:
        return {"required_fields": _require(company, kind, change)}
    edit = EDITS.get(change.change)
    if edit is None:
        raise ValueError(f"the fields of a company cannot {change.change}")
    entries = {
        key: entry if isinstance(entry, dict) else {"name": entry, "type": "varchar"}
        for key, entry in company.custom_fields.get(kind.path, {}).items()
    }
    if change.change not in ("add", "reorder") and change.field not in entries:
        raise ValueError(f"{change.field!r} is not a field that {company.title} made")
    changed = edit(entries, change)
    for key, entry in changed.items():
        parse_custom_field(key, entry)
    return {"custom_fields": {**company.custom_fields, kind.path: changed}}


def find_new_key(change: SchemaChange) -> str:
    """The key of a field that is added, or takes the place of another one."""
    new_key = str(change.details.get("to") or change.field)
    return new_key if KEY.fullmatch(new_key) else hashlib.sha1(new_key.encode()).hexdigest()


def list_changed_fields(company: Company, object: str) -> list[dict[str, Any]]:
    """The fields as the control lists them. Raises ValueError with a sentence."""
    kind = find_changed_kind(object)
    return [
        {
            "field": field.key,
            "label": field.name,
            "type": field.type,
            "required": field.required,
            "values": [label for _, label in field.options],
        }
        for field in all_fields(company, kind)
    ]


def _require(company: Company, kind: Kind, change: SchemaChange) -> dict[str, Any]:
    if change.field in READ_ONLY:
        raise ValueError(f"{change.field!r} is set by Pipedrive")
    names = set(company.required_fields.get(kind.path, ())) - {change.field}
    if change.details.get("required", True):
        names.add(change.field)
    return {**company.required_fields, kind.path: sorted(names)}


def _add(entries: Entries, change: SchemaChange) -> Entries:
    key, details = find_new_key(change), change.details
    if key in entries:
        raise ValueError(f"{change.field!r} is there already")
    entry = {"name": details.get("label", change.field), "type": details.get("type", "varchar")}
    return {**entries, key: entry | _stated_options(details) | _stated_requirement(details)}


def _rename(entries: Entries, change: SchemaChange) -> Entries:
    key = find_new_key(change)
    if key in entries:
        raise ValueError(f"{change.details['to']!r} is there already")
    label = {"name": change.details["label"]} if "label" in change.details else {}
    return {
        key if old == change.field else old: entry | (label if old == change.field else {})
        for old, entry in entries.items()
    }


def _remove(entries: Entries, change: SchemaChange) -> Entries:
    return {key: entry for key, entry in entries.items() if key != change.field}


def _retype(entries: Entries, change: SchemaChange) -> Entries:
    details = change.details
    return _edit_entry(entries, change, {"type": details["type"]} | _stated_options(details))


def _require_custom(entries: Entries, change: SchemaChange) -> Entries:
    return _edit_entry(entries, change, {"required": change.details.get("required", True)})


def _relabel(entries: Entries, change: SchemaChange) -> Entries:
    return _edit_entry(entries, change, {"name": change.details["label"]})


def _reorder(entries: Entries, change: SchemaChange) -> Entries:
    return dict(reversed(entries.items()))


def _add_value(entries: Entries, change: SchemaChange) -> Entries:
    options = entries[change.field].get("options", [])
    id = max((option["id"] for option in options), default=0) + 1
    added = {"id": id, "label": change.details["value"]}
    return _edit_entry(entries, change, {"options": [*options, added]})


def _remove_value(entries: Entries, change: SchemaChange) -> Entries:
    """A value is named by its label, or by its id."""
    options = entries[change.field].get("options", [])
    value = change.details["value"]
    remaining_options = [one for one in options if value not in (one["label"], str(one["id"]))]
    if len(remaining_options) == len(options):
        raise ValueError(f"{value!r} is not an option of {change.field}")
    return _edit_entry(entries, change, {"options": remaining_options})


def _edit_entry(entries: Entries, change: SchemaChange, edited: dict[str, Any]) -> Entries:
    return {**entries, change.field: {**entries[change.field], **edited}}


def _stated_options(details: Mapping[str, Any]) -> dict[str, Any]:
    if details.get("type") not in OPTION_TYPES:
        return {}
    labels = enumerate(details.get("values", ()), start=1)
    return {"options": [{"id": id, "label": label} for id, label in labels]}


def _stated_requirement(details: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": True} if details.get("required") else {}


EDITS: dict[str, Edit] = {
    "add": _add,
    "add_picklist_value": _add_value,
    "relabel": _relabel,
    "remove": _remove,
    "remove_picklist_value": _remove_value,
    "rename": _rename,
    "reorder": _reorder,
    "require": _require_custom,
    "retype": _retype,
}
