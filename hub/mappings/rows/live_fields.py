"""Load the fields that a mapping can write, as the connected account has them.

They come from the schema and the lists of choices that were last read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from connectors.object_schemas import SchemaField
from connectors.outcomes import Outcome
from connectors.roles import Action
from hub.connections.credentials.provider_call import INTERACTIVE_PATIENCE, Call
from hub.connections.models import Connection
from hub.mappings.rows.field_paths import format_field_path, parse_field_path
from hub.mappings.rows.row_values import format_constant
from hub.mappings.rows.target_fields import TargetField, list_action_fields
from hub.schemas.choice_lists import find_choice_list, refresh_choice_list
from hub.schemas.object_schemas import (
    find_object_schema,
    has_object_schemas,
    refresh_object_schema,
)

Choices = Sequence[tuple[str, str]]
CHOICES_LIMIT = 2_000  # of one list


@dataclass(frozen=True, slots=True)
class TargetFields:
    """The fields that a mapping can write, as they were last read.

    `can_refresh`: they can be read again now. `read_at`: when the oldest of them was read; None if
    one was never read.
    """

    fields: Sequence[TargetField]
    can_refresh: bool = False
    read_at: datetime | None = None


def load_target_fields(
    connection: Connection | None, action: Action, body: Mapping[str, Any]
) -> TargetFields:
    """Load the fields that this action with this body can write.

    One query for the object's schema and one for each list; calls no external system.
    """
    fields = {field.path: field for field in list_action_fields(action)}
    times: list[datetime | None] = []
    if connection is not None:
        for path, kind in _list_choice_inputs(action):
            found = find_choice_list(connection, kind)
            times.append(found.read_at if found else None)
            choices = found.choices[:CHOICES_LIMIT] if found else ()
            fields[path] = replace(fields[path], choices=_format_choices(choices))
        if object_key := _find_object_key(connection, action, body):
            schema = find_object_schema(connection, object_key)
            times.append(schema.read_at if schema else None)
            live = _list_schema_fields(action, schema.schema_fields if schema else ())
            fields |= {field.path: field for field in live}
    known_times = [time for time in times if time is not None]
    read_at = min(known_times) if times and len(known_times) == len(times) else None
    return TargetFields(list(fields.values()), bool(times), read_at)


def refresh_target_fields(
    connection: Connection,
    action: Action,
    body: Mapping[str, Any],
    *,
    call: Call,
    now: datetime,
) -> Outcome | None:
    """Read the schema and the lists of an action from the external system, and store them.

    A person waits for it, so it waits a little for a quota that a read in the background has spent.
    Return the first Outcome of a read that failed. No transaction may be open.
    """
    read: dict[str, Any] = {"call": call, "now": now, "patience": INTERACTIVE_PATIENCE}
    refreshes: list[Callable[[], object]] = [
        partial(refresh_choice_list, connection, kind, **read)
        for _path, kind in _list_choice_inputs(action)
    ]
    if object_key := _find_object_key(connection, action, body):
        refreshes.append(partial(refresh_object_schema, connection, object_key, **read))
    results = [refresh() for refresh in refreshes]
    return next((result for result in results if isinstance(result, Outcome)), None)


def _list_choice_inputs(action: Action) -> list[tuple[str, str]]:
    """List the inputs that take an id from a list, with the kind of the list."""
    return [
        (format_field_path((entry.key,)), entry.choice_kind)
        for entry in action.inputs
        if entry.choice_kind
    ]


def _find_object_key(connection: Connection, action: Action, body: Mapping[str, Any]) -> str:
    return action.schema_object(body) if has_object_schemas(connection) else ""


def _list_schema_fields(action: Action, fields: Sequence[SchemaField]) -> list[TargetField]:
    """Return the fields that the action can write."""
    inputs = {entry.key for entry in action.inputs}
    targets = []
    for field in fields:
        segments = tuple(field.key.split("."))
        if action.fields_input:
            segments = (action.fields_input, *segments)
        if field.writable and (segments[0] in inputs or not inputs):
            targets.append(_build_target(action, format_field_path(segments), field))
    return targets


def _build_target(action: Action, path: str, field: SchemaField) -> TargetField:
    top_level = len(parse_field_path(path)) == 1
    is_needed = any(
        top_level and entry.key == field.key and entry.required for entry in action.inputs
    )
    return TargetField(
        path,
        field.label,
        field.help,
        field.type,
        is_needed or (field.required and action.creates),
        _format_choices(field.picklist),
        field.restricted,
    )


def _format_choices(choices: Choices) -> Choices:
    """Return the choices with their values in the form of a constant."""
    return [(format_constant(value), label) for value, label in choices]
