"""An org's schema as the control changes it: kept with the org, and applied to its objects."""

import re
from typing import Any

from sandbox.salesforce.accounts import Org
from sandbox.salesforce.checks import TYPES
from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import (
    SYSTEM,
    Object,
    apply_change,
    list_known_objects,
    objects,
)
from sandbox.schema_changes import SchemaChange

FIELD_TYPES = {
    *TYPES,
    *("string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "reference"),
}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)
FIXED = {field.name for field in SYSTEM}


def find_changed_object(org: Org, name: str) -> Object:
    """Raises ValueError with a sentence."""
    if name.lower() not in objects(org):
        raise ValueError(f"{name!r} is not an object of {org.org}")
    return find_known_object(org, name)


def find_known_object(org: Org, name: str) -> Object:
    """An object, which may be removed. Raises ValueError with a sentence."""
    kind = list_known_objects(org).get(name.lower())
    if kind is None or kind.read_only:
        raise ValueError(f"{name!r} is not an object of {org.org}")
    return kind


def make_change(org: Org, records: Records, change: SchemaChange) -> list[dict[str, Any]]:
    """All changes of the org with this one; values go along with a renamed field.

    Raises ValueError with a sentence.
    """
    if change.change == "reset":
        return _reset(org, records, find_known_object(org, change.object))
    kind = find_changed_object(org, change.object)
    stored = change.stored() | {"object": kind.name}
    if change.change == "remove_object":
        return [*org.schema_changes, stored]
    check_change(kind, change)
    if change.change == "rename":
        old = kind.fields[change.field.lower()].name
        records.rename_field(org, kind, old, change.details["to"])
    return [*org.schema_changes, stored]


def check_change(kind: Object, change: SchemaChange) -> None:
    """Raises ValueError with a sentence."""
    field = kind.field(change.field)
    if change.change == "add":
        _check_new_name(kind, change.field)
    elif change.change != "reorder" and (field is None or field.name in FIXED):
        raise ValueError(f"{change.field!r} is not a field of {kind.name} that can change")
    if change.change == "rename":
        _check_new_name(kind, change.details["to"])
    if change.details.get("type", "string") not in FIELD_TYPES:
        raise ValueError(f"type is one of {', '.join(sorted(FIELD_TYPES))}")
    if change.change == "remove_picklist_value":
        assert field is not None
        if change.details["value"] not in field.values:
            raise ValueError(f"{change.details['value']!r} is not a value of {field.name}")
    apply_change(kind.fields, change.stored())


def _check_new_name(kind: Object, name: str) -> None:
    if not NAME.fullmatch(name) or kind.field(name) is not None:
        raise ValueError(f"{name!r} is not the name of a new field")


def _reset(org: Org, records: Records, kind: Object) -> list[dict[str, Any]]:
    """The changes of the other objects; renamed fields have their first names again."""
    for change in reversed(org.schema_changes):
        if change["object"] == kind.name and change["change"] == "rename":
            records.rename_field(org, kind, change["to"], change["field"])
    return [change for change in org.schema_changes if change["object"] != kind.name]


def list_changed_fields(org: Org, name: str) -> list[dict[str, Any]]:
    """The fields of an object as the control lists them; none of one that is removed.

    Raises ValueError with a sentence.
    """
    kind = find_known_object(org, name)
    if kind.name.lower() not in objects(org):
        return []
    return [
        {
            "field": field.name,
            "label": field.title,
            "type": field.type,
            "required": field.required,
            "values": list(field.values),
        }
        for field in kind.fields.values()
    ]
