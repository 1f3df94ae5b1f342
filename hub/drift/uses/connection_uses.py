"""Find all uses of a connection's schema, by object, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from connectors.registry import CONNECTORS
from connectors.roles import Action
from hub.connections.models import Connection
from hub.drift.models import SchemaBaseline
from hub.drift.uses.event_uses import iterate_event_uses
from hub.drift.uses.job_uses import find_job_use
from hub.drift.uses.mapping_uses import list_written_fields
from hub.drift.uses.schema_use import SchemaUse, fold_key, index_uses
from hub.mappings.models import MappingVersion
from hub.outgoing.models import Route
from hub.scheduled.models import Job

UsesByObject = dict[str, Sequence[SchemaUse]]


def find_connection_uses(connection: Connection) -> UsesByObject:
    """Return the uses by routes and jobs, including disabled ones, by the object's key.

    Three queries. Keys that differ in upper and lower case only denote the same object.
    """
    if connection.connector.schema is None or connection.tenant_id is None:
        return {}
    found = [*_iterate_route_uses(connection), *_iterate_job_uses(connection)]
    spellings = _list_spellings(connection, found)
    uses: dict[str, list[SchemaUse]] = defaultdict(list)
    for use in found:
        uses[spellings[fold_key(use.object_key)]].append(use)
    return dict(uses)


def _list_spellings(connection: Connection, uses: Sequence[SchemaUse]) -> dict[str, str]:
    """Return each object's spelling: as in the baseline, else in mappings, else in events."""
    compared = SchemaBaseline.unscoped.filter(connection=connection).order_by("pk")
    keys = [
        *compared.values_list("object_key", flat=True),
        *(use.object_key for use in sorted(uses, key=lambda use: use.is_source)),
    ]
    return {fold_key(key): key for key in reversed(keys)}


def _iterate_route_uses(connection: Connection) -> Iterator[SchemaUse]:
    """Yield the uses by routes to the connection, and by routes of events from it."""
    newest = (
        MappingVersion.unscoped.filter(mapping=OuterRef("mapping"))
        .order_by("-number")
        .values("body")[:1]
    )
    key = connection.connector_key
    routes = Route.unscoped.filter(
        Q(tenant=connection.tenant_id) | Q(tenant=None),
        Q(Q(connection=connection) | Q(connection=None), connector_key=key)
        | Q(Q(origin=connection) | Q(origin=None), origin_connector_key=key),
    )
    for route in routes.annotate(body=Subquery(newest)).select_related("mapping").order_by("pk"):
        action = _find_action(route)
        body = route.body if isinstance(route.body, dict) else {}
        subject = _describe_route(route)
        if action and route.connector_key == key and route.connection_id in (None, connection.pk):
            yield from _iterate_written_uses(action, subject, body)
        read_body = body or (dict(action.default) if action else {})
        yield from iterate_event_uses(connection, route, subject, read_body)


def _find_action(route: Route) -> Action | None:
    try:
        return CONNECTORS[route.connector_key].action(route.action)
    except LookupError:  # of another release
        return None


def _describe_route(route: Route) -> dict[str, Any]:
    return {
        "kind": "route",
        "id": str(route.public_id),
        "name": route.name,
        "mapping_id": str(route.mapping.public_id),
        "mapping_name": route.mapping.name,
        "is_enabled": route.enabled,
    }


def _iterate_written_uses(
    action: Action, subject: Mapping[str, Any], body: Mapping[str, Any]
) -> Iterator[SchemaUse]:
    if object_key := action.schema_object(body):
        fields, is_complete = list_written_fields(action, body)
        creates = action.creates and is_complete
        yield SchemaUse(object_key, subject, index_uses(fields), creates=creates)


def _iterate_job_uses(connection: Connection) -> Iterator[SchemaUse]:
    jobs = Job.unscoped.filter(
        Q(tenant=connection.tenant_id) | Q(tenant=None),
        Q(connection=connection) | Q(connection=None),
        connector_key=connection.connector_key,
    )
    for job in jobs.order_by("pk"):
        use = find_job_use(job, connection.connector)
        if use is not None:
            yield use
