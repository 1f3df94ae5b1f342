"""Plan what a recipe creates for given answers: documents of routes and jobs, and unsaved rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.outgoing.models import Route
from hub.recipes.answers import CheckedAnswers
from hub.recipes.definitions import JobTemplate, Recipe, RouteTemplate
from hub.recipes.definitions.placeholders import fill_expressions, fill_values
from hub.recipes.documents import Document
from hub.recipes.models import IntegrationPart
from hub.scheduled.jobs.job_actions import build_job
from hub.scheduled.models import Job
from tenants.models import Tenant

# what a part is; a part of which one of these changes is made anew
ROUTE_KIND_FIELDS, JOB_KIND_FIELDS = ("connector", "action"), ("kind", "connector")


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A part to create. Connections in its document are identified by their public ids."""

    key: str
    kind: Literal["route", "job"]
    template: RouteTemplate | JobTemplate
    document: Document

    @property
    def name(self) -> str:
        return str(self.document["name"])


def plan_parts(recipe: Recipe, answers: CheckedAnswers) -> list[PlannedPart]:
    """Return the parts that the recipe creates for these answers."""
    routes = [
        PlannedPart(template.key, "route", template, _build_route_document(template, answers))
        for template in recipe.routes
    ]
    jobs = [
        PlannedPart(template.key, "job", template, _build_job_document(template, answers))
        for template in recipe.jobs
    ]
    return routes + jobs


def _build_route_document(template: RouteTemplate, answers: CheckedAnswers) -> dict[str, Any]:
    return {
        "name": template.name,
        "event_type": template.event_type,
        "filter": fill_expressions(template.filter, answers.values),
        "origin_connector": template.origin,
        "origin": _find_connection_id(template.origin, answers),
        "connector": template.connector,
        "connection": _find_connection_id(template.connector, answers),
        "action": template.action,
        "mapping": fill_expressions(template.mapping, answers.values),
    }


def _build_job_document(template: JobTemplate, answers: CheckedAnswers) -> dict[str, Any]:
    return {
        "name": template.name,
        "kind": template.kind,
        "connector": template.connector,
        "connection": _find_connection_id(template.connector, answers),
        "cron": fill_values(template.cron, answers.values),
        "options": fill_values(template.options, answers.values),
    }


def _find_connection_id(connector: str, answers: CheckedAnswers) -> str:
    connection = answers.connections.get(connector)
    return str(connection.public_id) if connection else ""


# --- rows and their documents ---------------------------------------------------------------------


def build_route(tenant: Tenant, document: Document, connections: Mapping[str, Connection]) -> Route:
    """Return the unsaved route of a document; `connections` by public id."""
    return set_route_columns(
        Route(tenant=tenant, connector_key=document["connector"], action=document["action"]),
        document,
        connections,
    )


def set_route_columns(
    route: Route, document: Document, connections: Mapping[str, Connection]
) -> Route:
    route.name, route.filter = document["name"], document["filter"]
    route.event_type = document["event_type"]
    route.origin_connector_key = document["origin_connector"]
    route.origin = connections.get(document["origin"])
    route.connection = connections.get(document["connection"])
    return route


def build_part_job(
    tenant: Tenant, document: Document, connections: Mapping[str, Connection]
) -> Job:
    """Return the unsaved job of a document; `connections` by public id."""
    return build_job(
        tenant=tenant,
        name=document["name"],
        kind=document["kind"],
        connector_key=document["connector"],
        connection=connections.get(document["connection"]),
        cron=document["cron"],
        options=document["options"],
    )


def set_job_columns(job: Job, document: Document, connections: Mapping[str, Connection]) -> Job:
    job.name, job.cron, job.options = document["name"], document["cron"], document["options"]
    job.connection = connections.get(document["connection"])
    return job


def read_part_document(part: IntegrationPart) -> dict[str, Any]:
    """Return the document of a stored part in its current state."""
    if part.route is not None:
        return _read_route_document(part.route)
    assert part.job is not None  # by the table's constraint
    return _read_job_document(part.job)


def _read_route_document(route: Route) -> dict[str, Any]:
    return {
        "name": route.name,
        "event_type": route.event_type,
        "filter": route.filter,
        "origin_connector": route.origin_connector_key,
        "origin": str(route.origin.public_id) if route.origin else "",
        "connector": route.connector_key,
        "connection": str(route.connection.public_id) if route.connection else "",
        "action": route.action,
        "mapping": route.mapping.current.ordered_body,
    }


def _read_job_document(job: Job) -> dict[str, Any]:
    return {
        "name": job.name,
        "kind": job.kind,
        "connector": job.connector_key,
        "connection": str(job.connection.public_id) if job.connection else "",
        "cron": job.cron,
        "options": job.options,
    }


def has_same_nature(current: Document, wanted: Document) -> bool:
    """Return whether a stored part can become the wanted one by changing its columns."""
    names = ROUTE_KIND_FIELDS if "action" in wanted else JOB_KIND_FIELDS
    return all(current.get(name) == wanted.get(name) for name in names)


def describe_action(document: Document) -> str:
    """Return the label of the route's action; "" if this release does not have the action."""
    try:
        return str(CONNECTORS[document["connector"]].action(document["action"]).label)
    except LookupError:
        return ""
