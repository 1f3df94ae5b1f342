"""Find the fields of an object that routes read from the events of its system."""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.object_schemas import Schema
from hub.connections.models import Connection
from hub.drift.uses.expression_paths import (
    Path,
    PathReads,
    find_required_values,
    list_leaf_reads,
    list_path_reads,
)
from hub.drift.uses.schema_use import FieldUse, SchemaUse, fold_key, index_uses
from hub.outgoing.models import Route
from hub.outgoing.routing import matches_event_type

DATA_PATH = "data"  # the part of an event's document that the system sent


def iterate_event_uses(
    connection: Connection, route: Route, subject: Mapping[str, Any], body: Mapping[str, Any]
) -> Iterator[SchemaUse]:
    """Yield the uses by a route of events that this connection receives.

    A route that takes the events of a single object uses this object even if it reads no field. A
    route of several objects uses those of which it reads a field.
    """
    schema = connection.connector.schema
    required = find_required_values(route.filter)
    if schema is None or not _accepts_connection(route, connection, required):
        return
    fields = index_uses(_iterate_field_uses(schema, route, body))
    if object_key := _find_single_object(connection.connector_key, schema, route, required):
        yield SchemaUse(object_key, subject, fields, is_source=True)
    elif fields:
        for object_key in _list_objects(connection, schema, route):
            yield SchemaUse(object_key, subject, fields, is_source=True)


def _accepts_connection(route: Route, connection: Connection, required: Mapping[Path, str]) -> bool:
    public_id = str(connection.public_id)
    is_required = required.get((DATA_PATH, "connection"), public_id) == public_id
    return is_required and route.accepts_origin(connection)


def _find_single_object(
    connector_key: str, schema: Schema, route: Route, required: Mapping[Path, str]
) -> str:
    """Return the object whose events the route takes; "" if there are several or none."""
    pattern = required.get(("type",), route.event_type)
    prefix, _dot, event_type = pattern.partition(".")
    if prefix == connector_key and not event_type.startswith("*"):
        return schema.find_event_object(event_type) if event_type else ""
    named = required.get((DATA_PATH, "object"), "")
    return schema.find_event_object(fold_key(named)) if named else ""


def _list_objects(connection: Connection, schema: Schema, route: Route) -> list[str]:
    """List the objects of the documented event types that the route takes."""
    source = connection.connector.webhook_source
    objects = [
        schema.find_event_object(entry.type)
        for entry in (source.event_types if source else ())
        if matches_event_type(route.event_type, f"{connection.connector_key}.{entry.type}")
    ]
    return [key for key in dict.fromkeys(objects) if key]


def _iterate_field_uses(
    schema: Schema, route: Route, body: Mapping[str, Any]
) -> Iterator[FieldUse]:
    places: Mapping[str, PathReads] = {
        "filter": list_path_reads(route.filter),
        "mapping": list_leaf_reads(body),
        "order_key": list_path_reads(route.order_key),
    }
    for place, reads in places.items():
        for path, constants in reads.items():
            key = schema.find_event_field(path[1:]) if path[0] == DATA_PATH else ""
            if key:
                read = (".".join(path), place)
                yield FieldUse(
                    key,
                    is_written=False,
                    compared_values=frozenset(constants),
                    reads=frozenset({read}),
                )
