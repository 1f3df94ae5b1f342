"""The fields that the options of a job name."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from connectors.base import Connector
from connectors.report_sources import RecordFigures
from hub.drift.uses.expression_paths import list_path_reads
from hub.drift.uses.schema_use import FieldUse, SchemaUse, index_uses
from hub.scheduled.models import Job
from hub.scheduled.sync.options import find_objects

# parameters of a collection that are no fields
USED_PARAMETERS = {"object", "fields", "since", "until", "deleted", "ids", "page_size", "cursor"}
USED_PARAMETERS |= {"select", "group_by", "date_field", "sort_by", "sort_direction", "status"}
USED_PARAMETERS |= {"filter_id", "include_fields", "custom_fields", "done"}
WRITING_OWNERS = ("ours", "newer")


def find_job_use(job: Job, connector: Connector) -> SchemaUse | None:
    """Return the use of an object of this connector by a job; None if it uses none."""
    reader = READERS_BY_KIND.get(job.kind)
    options = job.options
    if reader is None or connector.schema is None or not isinstance(options, Mapping):
        return None
    object_key, fields, creates = reader(connector, options)
    if not object_key:
        return None
    subject = {
        "kind": "job",
        "id": str(job.public_id),
        "name": job.name,
        "job_kind": job.kind,
        "is_enabled": job.is_enabled,
    }
    find_field = connector.schema.find_query_field
    named = [replace(use, key=find_field(use.key)) for use in fields]
    return SchemaUse(object_key, subject, index_uses(named), creates=creates)


JobFields = tuple[str, list[FieldUse], bool]  # the object, its fields, and whether it creates


def _read_reconcile(connector: Connector, options: Mapping[str, Any]) -> JobFields:
    remote = _mapping(options.get("remote"))
    query = _mapping(remote.get("query"))
    object_key = _find_object(connector, remote.get("collection"), query)
    match = _mapping(options.get("match"))
    fields = [
        *_list_query_fields(query),
        *_list_condition_fields(remote.get("conditions")),
        *_list_path_uses(match.get("remote")),
    ]
    rules = options.get("fields")
    for rule in rules if isinstance(rules, list) else []:
        fields += _list_rule_uses(_mapping(rule))
    creates = _mapping(options.get("missing")).get("there") == "create"
    return object_key, fields, creates


def _read_sync(connector: Connector, options: Mapping[str, Any]) -> JobFields:
    query = _mapping(options.get("query"))
    usual = next(iter(find_objects(connector.key)), "")
    object_key = _find_object(connector, options.get("collection") or usual, query)
    return object_key, list(_list_query_fields(query)), False


def _read_report(connector: Connector, options: Mapping[str, Any]) -> JobFields:
    query = _mapping(options.get("query"))
    reads_records = isinstance(connector.report_source, RecordFigures)
    if not reads_records or not isinstance(query.get("object"), str):
        return "", [], False
    names = [query.get("time_field"), query.get("group_by")]
    measures = query.get("measures")
    for entry in measures if isinstance(measures, list) else []:
        names.append(_mapping(entry).get("field"))
    compared = [
        *_list_compared_fields(_mapping(query.get("where"))),
        *_list_condition_fields(query.get("conditions")),
    ]
    return query["object"], [*_list_read_fields(names), *compared], False


READERS_BY_KIND = {"reconcile": _read_reconcile, "report": _read_report, "sync": _read_sync}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _find_object(connector: Connector, collection: Any, query: Mapping[str, Any]) -> str:
    """Return the object that a collection reads; "" if the schema does not contain it."""
    schema = connector.schema
    if schema is None or not isinstance(collection, str):
        return ""
    if collection not in schema.object_of_collection:
        return ""
    return schema.object_of_collection[collection] or str(query.get("object") or "")


def _list_query_fields(query: Mapping[str, Any]) -> Iterator[FieldUse]:
    """Yield the fields that the query reads, and those that it compares with a value."""
    yield from _list_read_fields(str(query.get("fields") or "").split(","))
    values = {name: value for name, value in query.items() if name not in USED_PARAMETERS}
    yield from _list_compared_fields(values)


def _list_read_fields(names: Iterable[Any]) -> Iterator[FieldUse]:
    for name in names:
        if isinstance(name, str) and name.strip():
            yield FieldUse(name.strip(), is_written=False)


def _list_compared_fields(values: Mapping[str, Any]) -> Iterator[FieldUse]:
    """Yield the fields that must have a certain value, each with this value."""
    for name, value in values.items():
        for use in _list_read_fields([name]):
            yield replace(use, compared_values=frozenset({str(value)}))


def _list_condition_fields(conditions: Any) -> Iterator[FieldUse]:
    """Yield the fields of conditions, each with the values with which it is compared."""
    for entry in conditions if isinstance(conditions, list) else ():
        condition = _mapping(entry)
        value = condition.get("value", [])
        values = value if isinstance(value, list) else [value]
        for use in _list_read_fields([condition.get("field")]):
            yield replace(use, compared_values=frozenset(map(str, values)))


def _list_path_uses(expression: Any, **use: Any) -> Iterator[FieldUse]:
    for path in list_path_reads(expression) if isinstance(expression, str) else ():
        yield FieldUse(".".join(path), **{"is_written": False, **use})


def _list_rule_uses(rule: Mapping[str, Any]) -> list[FieldUse]:
    """Return the use of a rule's field; it is only read if the remote value always wins."""
    is_written = rule.get("owner") in WRITING_OWNERS
    values = _mapping(rule.get("values")).values()
    constants = frozenset(str(value) for value in values) if is_written else frozenset()
    return list(_list_path_uses(rule.get("remote"), is_written=is_written, constants=constants))
