"""Changes of records, as webhooks v2 tell them.

https://pipedrive.readme.io/docs/guide-for-webhooks-v2 (2026-11).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.kinds import Kind

Record = dict[str, Any]
ENTITIES = {
    "persons": "person",
    "organizations": "organization",
    "deals": "deal",
    "activities": "activity",
    "leads": "lead",
    "notes": "note",
}
UNNAMED = ("is_deleted", "update_time")  # a change of these alone is none


@dataclass(frozen=True)
class Change:
    """`old` is None for a new record, `new` for a deleted one."""

    company: Company
    kind: Kind
    old: Record | None
    new: Record | None
    at: float

    @property
    def entity(self) -> str:
        return ENTITIES[self.kind.path]

    @property
    def action(self) -> str:
        if self.old is None:
            return "create"
        return "delete" if self.new is None else "change"

    @property
    def record(self) -> Record:
        return self.new or self.old or {}

    def is_visible(self) -> bool:
        """Whether any field that webhooks report differs."""
        if self.old is None or self.new is None:
            return True
        old = self.old
        return any(
            old.get(name) != value for name, value in self.new.items() if name not in UNNAMED
        )


@dataclass(frozen=True)
class Author:
    """Who changes a record, and whether by the API or in the application."""

    user_id: int
    source: str  # api or app


def data_of(record: Record | None) -> Record | None:
    """A record as `data`: custom fields as objects, the visibility as text."""
    if record is None:
        return None
    data = {
        name: build_shown_value(name, value)
        for name, value in record.items()
        if name != "is_deleted"
    }
    custom = record.get("custom_fields") or {}
    return data | {"custom_fields": {key: custom_value(value) for key, value in custom.items()}}


def previous_of(change: Change) -> Record | None:
    """The old values of changed fields; all of a deleted record; None for a new one."""
    if change.old is None or change.new is None:
        return data_of(change.old)
    old, new = data_of(change.old) or {}, data_of(change.new) or {}
    previous = {name: value for name, value in old.items() if new.get(name) != value}
    if "custom_fields" in previous:
        names = {**old["custom_fields"], **new["custom_fields"]}
        previous["custom_fields"] = {
            name: old["custom_fields"].get(name)
            for name in names
            if old["custom_fields"].get(name) != new["custom_fields"].get(name)
        }
    return previous


def build_shown_value(name: str, value: Any) -> Any:
    return str(value) if name == "visible_to" and value is not None else value


def custom_value(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    kind = "double" if isinstance(value, int | float) else "varchar"
    return value if isinstance(value, dict) else {"type": kind, "value": value}


def iso(at: float) -> str:
    when = datetime.fromtimestamp(at, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
