"""All uses of the schema of a connection, by object; a fixed number of statements."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from django.db.models import OuterRef, Q, Subquery

from hub.connections.models import Connection
from hub.drift.uses.job_uses import find_job_use
from hub.drift.uses.mapping_uses import list_written_fields
from hub.drift.uses.schema_use import SchemaUse, index_uses
from hub.mappings.models import MappingVersion
from hub.outgoing.models import Route
from hub.scheduled.models import Job

UsesByObject = dict[str, Sequence[SchemaUse]]


def find_connection_uses(connection: Connection) -> UsesByObject:
    """Return the uses by routes and jobs, disabled ones among them, by the object's key."""
    uses: dict[str, list[SchemaUse]] = defaultdict(list)
    if connection.connector.schema is not None and connection.tenant_id is not None:
        for use in [*_iterate_route_uses(connection), *_iterate_job_uses(connection)]:
            uses[use.object_key].append(use)
    return dict(uses)


def _iterate_route_uses(connection: Connection) -> Iterator[SchemaUse]:
    newest = (
        MappingVersion.unscoped.filter(mapping=OuterRef("mapping"))
        .order_by("-number")
        .values("body")[:1]
    )
    routes = Route.unscoped.filter(
        Q(tenant=connection.tenant_id) | Q(tenant=None),
        Q(connection=connection) | Q(connection=None),
        connector_key=connection.connector_key,
    )
    for route in routes.annotate(body=Subquery(newest)).select_related("mapping").order_by("pk"):
        use = _find_route_use(connection, route, route.body)
        if use is not None:
            yield use


def _find_route_use(connection: Connection, route: Route, body: object) -> SchemaUse | None:
    try:
        action = connection.connector.action(route.action)
    except LookupError:
        return None
    if not isinstance(body, dict) or not (object_key := action.schema_object(body)):
        return None
    fields, is_complete = list_written_fields(action, body)
    subject = {
        "kind": "route",
        "id": str(route.public_id),
        "name": route.name,
        "mapping_id": str(route.mapping.public_id),
        "mapping_name": route.mapping.name,
        "is_enabled": route.enabled,
    }
    return SchemaUse(
        object_key, subject, index_uses(fields), creates=action.creates and is_complete
    )


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
