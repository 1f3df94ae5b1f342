"""A change of a schema that the control requests, as a checked value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CHANGES = (
    "add",
    "add_picklist_value",
    "relabel",
    "remove",
    "remove_object",
    "remove_picklist_value",
    "rename",
    "reorder",
    "require",
    "reset",
    "retype",
)
KNOWN = {"system", "account", "object", "change", "field"}
# what else a change states: the type of each, and whether it is needed
DETAILS: Mapping[str, Mapping[str, tuple[type, bool]]] = {
    "add": {
        "type": (str, False),
        "label": (str, False),
        "length": (int, False),
        "required": (bool, False),
        "values": (list, False),
    },
    "add_picklist_value": {"value": (str, True)},
    "relabel": {"label": (str, True)},
    "remove_picklist_value": {"value": (str, True)},
    "rename": {"to": (str, True), "label": (str, False)},
    "require": {"required": (bool, False)},
    "retype": {"type": (str, True), "length": (int, False), "values": (list, False)},
}
WITHOUT_FIELD = ("remove_object", "reorder", "reset")


@dataclass(frozen=True)
class SchemaChange:
    """`details` has the keys of DETAILS that were stated."""

    account: str
    object: str
    change: str
    field: str
    details: Mapping[str, Any]

    def stored(self) -> dict[str, Any]:
        named = {"object": self.object, "change": self.change, "field": self.field}
        return {**named, **self.details}


def parse_change(request_body: Mapping[str, Any]) -> SchemaChange:
    """Raises ValueError with a sentence."""
    change = request_body.get("change")
    if change not in CHANGES:
        raise ValueError(f"change is one of {', '.join(CHANGES)}")
    for name in ("account", "object"):
        if not isinstance(request_body.get(name), str):
            raise ValueError(f"{name} is a text")
    field = request_body.get("field", "")
    if not isinstance(field, str) or bool(field) == (change in WITHOUT_FIELD):
        raise ValueError("field is the name of a field, if the change is one of a field")
    details = {name: value for name, value in request_body.items() if name not in KNOWN}
    _check_details(str(change), details)
    return SchemaChange(
        str(request_body["account"]), str(request_body["object"]), str(change), field, details
    )


def _check_details(change: str, details: Mapping[str, Any]) -> None:
    allowed = DETAILS.get(change, {})
    if unknown := sorted(set(details) - set(allowed)):
        raise ValueError(f"{change} has no {unknown[0]!r}")
    for name, (kind, is_needed) in allowed.items():
        if name not in details and is_needed:
            raise ValueError(f"{change} needs {name}")
        if name in details and not _is_of(kind, details[name]):
            raise ValueError(f"{name} is of the wrong type")


def _is_of(kind: type, value: Any) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
