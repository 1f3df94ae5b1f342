"""Build the requests of repairs: the action, its input, the record, and the precondition.

Pure: converts discrepancies, options and identities to the input of an action.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import Connector
from connectors.conditions import EQUAL, IN, Condition
from connectors.roles import Action
from hub.scheduled.models import LOCAL, Discrepancy
from hub.scheduled.reconciliation.declared_options import find_collection
from hub.scheduled.reconciliation.options import FieldRule, ReconcileOptions, parse_path
from hub.scheduled.reconciliation.values.record_keys import format_key
from hub.scheduled.reconciliation.verdicts.repair_side import DELETION_REASONS
from hub.scheduled.repairs.repair_values import (
    ReferencePairs,
    RepairRefused,
    convert_to_local,
    convert_to_remote,
)

RECORD_INPUTS = ("record_id", "number", "id")  # that name the record, by action
CONDITION_INPUTS = ("unmodified_since", "if_match")  # that hold the compared version
AWAITING_READ = "awaiting_read"  # the reason of a repair that was not sent yet
MISSING_VERDICTS = ("missing_here", "missing_there")


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """One write to one record, which repairs all of these discrepancies."""

    side: str
    action: Action
    input: Mapping[str, Any]
    discrepancies: Sequence[Discrepancy]
    replaced_values: Mapping[int, Any]  # the value before, by the key of the discrepancy
    written_values: Mapping[int, Any]


def build_repair(
    discrepancies: Sequence[Discrepancy],
    side: str,
    options: ReconcileOptions,
    connector: Connector,
    pairs: ReferencePairs,
) -> RepairRequest:
    """Return the write that resolves these discrepancies of one record. Raises RepairRefused."""
    (first, *_) = discrepancies
    if is_deletion(first, side):
        return _build_delete(first, side, options, connector)
    if first.verdict in MISSING_VERDICTS:
        return _build_create(first, side, options, connector, pairs)
    return _build_update(discrepancies, side, options, connector, pairs)


def _build_update(
    discrepancies: Sequence[Discrepancy],
    side: str,
    options: ReconcileOptions,
    connector: Connector,
    pairs: ReferencePairs,
) -> RepairRequest:
    (first, *_) = discrepancies
    action = _find_action(connector, _action_key(side, options))
    fields: dict[str, Any] = {}
    replaced: dict[int, Any] = {}
    written: dict[int, Any] = {}
    for discrepancy in discrepancies:
        rule = options.rule(discrepancy.field)
        if rule is None:
            raise RepairRefused("field_not_compared")
        ours, theirs = discrepancy.local_value, discrepancy.remote_value
        if side == LOCAL:
            value = convert_to_local(theirs, ours, rule, pairs)
        else:
            value = convert_to_remote(ours, theirs, rule, pairs)
        set_path(fields, target_path(rule, side), value)
        written[discrepancy.pk] = value
        replaced[discrepancy.pk] = ours if side == LOCAL else theirs
    record_id = first.local_id if side == LOCAL else first.remote_id
    version = first.local_version if side == LOCAL else first.remote_version
    names = {entry.key for entry in action.inputs}
    input = _name_record(names, record_id, side, options) | _wrap_fields(names, fields)
    condition = {name: version for name in CONDITION_INPUTS if name in names and version}
    _check_input(action, input | condition)
    return RepairRequest(side, action, input | condition, discrepancies, replaced, written)


def _action_key(side: str, options: ReconcileOptions) -> str:
    key = options.local_action if side == LOCAL else options.remote_action
    if not key:
        raise RepairRefused("no_repair_action")
    return key


def _find_action(connector: Connector, key: str) -> Action:
    for action in connector.actions:
        if action.key == key:
            return action
    raise RepairRefused("no_repair_action", key)


def target_path(rule: FieldRule, side: str) -> tuple[str, ...]:
    """Return the path of the field that is written. Raises RepairRefused for an expression."""
    path = parse_path(rule.local if side == LOCAL else rule.remote)
    if not path:
        raise RepairRefused("target_is_an_expression", rule.name)
    return path


def set_path(fields: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a value in nested objects, such as {"customer": {"name": "Ann"}}."""
    *parents, name = path
    for parent in parents:
        fields = fields.setdefault(parent, {})
    fields[name] = value


def _name_record(
    names: set[str], record_id: str, side: str, options: ReconcileOptions
) -> dict[str, Any]:
    """Return the inputs that identify the record, and its object if the action takes one."""
    named: dict[str, Any] = {
        name: record_id for name in RECORD_INPUTS if name in names and record_id
    }
    query = options.local.query if side == LOCAL else options.remote.query
    if "object" in names and "object" in query:
        named["object"] = query["object"]
    return named


def _wrap_fields(names: set[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as an object of the input, or as single inputs, which cannot be null."""
    if "fields" in names:
        return {"fields": dict(fields)}
    if any(value is None for value in fields.values()):
        raise RepairRefused("cannot_be_emptied")
    return dict(fields)


def _check_input(action: Action, input: Mapping[str, Any]) -> None:
    if problem := action.find_body_problem(input):
        raise RepairRefused("repair_not_possible", problem[:300])


# --- records that are missing ---------------------------------------------------------------------


def _build_create(
    discrepancy: Discrepancy,
    side: str,
    options: ReconcileOptions,
    connector: Connector,
    pairs: ReferencePairs,
) -> RepairRequest:
    """Return the write that creates a record with the compared values of its counterpart."""
    if discrepancy.reason in DELETION_REASONS:
        raise RepairRefused(discrepancy.reason)
    path = parse_path(options.match.local if side == LOCAL else options.match.remote)
    if not path or format_key(discrepancy.record_key) != discrepancy.record_key:
        raise RepairRefused("key_is_an_expression")
    action = find_create_action(connector, _action_key(side, options))
    fields = _collect_fields(discrepancy, side, options, pairs)
    names = {entry.key for entry in action.inputs}
    if path[0] in names and path[0] in RECORD_INPUTS:
        input = {path[0]: discrepancy.record_key}
    else:
        set_path(fields, path, discrepancy.record_key)
        input = {}
    _meet_conditions(fields, {path[0]: discrepancy.record_key}, names, side, options, connector)
    input = {**_name_record(names, "", side, options), **input, **_wrap_fields(names, fields)}
    _check_input(action, input)
    return RepairRequest(side, action, input, [discrepancy], {}, {})


def _meet_conditions(
    fields: dict[str, Any],
    key: Mapping[str, Any],
    names: set[str],
    side: str,
    options: ReconcileOptions,
    connector: Connector,
) -> None:
    """Add the values by which the job selects records, as the new one would be missing otherwise.

    Raises RepairRefused if it has another value, or the action cannot write such a value.
    """
    read = options.local if side == LOCAL else options.remote
    collection = find_collection(connector.key, read.collection)
    required = collection.required_values(read.query) if collection else {}
    equalities = [Condition(name, EQUAL, (value,)) for name, value in required.items()]
    for condition in [*equalities, *read.conditions]:
        name = condition.field
        is_writable = "." not in name and ("fields" in names or name in names)
        if condition.test in (EQUAL, IN) and name not in key and is_writable:
            fields.setdefault(name, condition.values[0])
        if not condition.accepts({**fields, **key}):
            raise RepairRefused("conditions_not_met", name)


def is_deletion(discrepancy: Discrepancy, side: str) -> bool:
    """Return whether the repair of this side deletes its record, as only this side has it."""
    return discrepancy.verdict == ("missing_there" if side == LOCAL else "missing_here")


def _build_delete(
    discrepancy: Discrepancy, side: str, options: ReconcileOptions, connector: Connector
) -> RepairRequest:
    """Return the deletion of a deleted record's counterpart. Raises RepairRefused if forbidden."""
    is_wanted = options.deletes_here if side == LOCAL else options.deletes_there
    reason = "deleted_there" if side == LOCAL else "deleted_here"
    # of a repair that was requested, the tombstone was checked then
    is_proven = discrepancy.reason == reason or discrepancy.state == "repairing"
    if not (is_wanted and is_proven):
        raise RepairRefused(discrepancy.reason or "report_only")
    update_key = _action_key(side, options)
    action = _find_action(connector, f"delete{update_key.removeprefix('update')}")
    record_id = discrepancy.local_id if side == LOCAL else discrepancy.remote_id
    version = discrepancy.local_version if side == LOCAL else discrepancy.remote_version
    value = discrepancy.local_value if side == LOCAL else discrepancy.remote_value
    names = {entry.key for entry in action.inputs}
    condition = {name: version for name in CONDITION_INPUTS if name in names and version}
    input = _name_record(names, record_id, side, options) | condition
    _check_input(action, input)
    return RepairRequest(
        side, action, input, [discrepancy], {discrepancy.pk: value}, {discrepancy.pk: None}
    )


def find_create_action(connector: Connector, update_key: str) -> Action:
    """Return the action that creates the records which `update_key` updates.

    No upsert, which would overwrite a record that a person created meanwhile. Raises RepairRefused
    if the connector has none.
    """
    for key in (f"create{update_key.removeprefix('update')}", "create"):
        for action in connector.actions:
            if action.key == key:
                return action
    raise RepairRefused("no_repair_action", update_key)


def _collect_fields(
    discrepancy: Discrepancy, side: str, options: ReconcileOptions, pairs: ReferencePairs
) -> dict[str, Any]:
    values = discrepancy.remote_value if side == LOCAL else discrepancy.local_value
    fields: dict[str, Any] = {}
    for rule in options.fields:
        path = parse_path(rule.local if side == LOCAL else rule.remote)
        value = (values or {}).get(rule.name)
        if not path or value is None:
            continue
        convert = convert_to_local if side == LOCAL else convert_to_remote
        set_path(fields, path, convert(value, None, rule, pairs))
    return fields
