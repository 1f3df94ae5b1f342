"""Show what an integration would do, without storing or sending anything.

Each route is tried with the newest real event that it takes, or with the recipe's sample.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.mappings.models import FieldMapping, MappingVersion
from hub.outgoing.insight.dry_run import DryRun, dry_run_route
from hub.outgoing.insight.examples import load_recent_documents
from hub.outgoing.models import Event, Route
from hub.outgoing.models.events import build_event_document
from hub.outgoing.subscriptions.endpoint_routes import REPORT_EVENT_TYPE
from hub.recipes.answers import CheckedAnswers, check_answers
from hub.recipes.definitions import JobTemplate, Recipe, RouteTemplate
from hub.recipes.overlaps import find_job_overlap, find_route_overlap, list_jobs, list_routes
from hub.recipes.part_plans import PlannedPart, build_part_job, build_route, plan_parts
from hub.scheduled.models import Job
from hub.scheduled.reports.options import parse_report_options
from hub.scheduled.slots import iterate_slots
from tenants.models import Tenant

SLOTS_SHOWN = 3
SAMPLE_ID = "sample"


@dataclass(frozen=True, slots=True)
class PartRehearsal:
    """What one part would do.

    `event`: the real event that was tried; None: the sample, or a job. `dry_run`: its message; None
    for a job that sends none itself. `overlap`: a route or job that already does the same.
    """

    part: PlannedPart
    dry_run: DryRun | None = None
    event: Event | None = None
    slots: Sequence[datetime] = ()
    overlap: Route | Job | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    answers: CheckedAnswers
    parts: Sequence[PartRehearsal]

    @property
    def succeeds(self) -> bool:
        """Return whether every message that was tried would be sent."""
        return all(part.dry_run is None or part.dry_run.state == "waiting" for part in self.parts)


def rehearse_integration(
    recipe: Recipe, tenant: Tenant, answers: Mapping[str, Any], *, now: datetime
) -> Rehearsal:
    """Return what the recipe would do for these answers. Raises InvalidAnswers.

    The number of queries depends only on the number of parts.
    """
    checked = check_answers(recipe, tenant, answers)
    parts = plan_parts(recipe, checked)
    routes = list_routes(tenant) if recipe.routes else []
    jobs = list_jobs(tenant) if recipe.jobs else []
    return Rehearsal(
        checked,
        [
            _rehearse_route(part, part.template, tenant, checked, routes, now=now)
            if isinstance(part.template, RouteTemplate)
            else _rehearse_job(part, part.template, tenant, checked, jobs, now=now)
            for part in parts
        ],
    )


# --- routes ---------------------------------------------------------------------------------------


def _rehearse_route(
    part: PlannedPart,
    template: RouteTemplate,
    tenant: Tenant,
    answers: CheckedAnswers,
    routes: Sequence[Route],
    *,
    now: datetime,
) -> PartRehearsal:
    route = build_route(tenant, part.document, _map_connections(answers))
    overlap = find_route_overlap(route, routes)
    origin_id = route.origin.pk if route.origin else None
    version = build_version(route, part.document["mapping"])
    for event, document in load_recent_documents(tenant, {route.event_type}):
        if event.origin_id != origin_id:
            continue
        dry_run = dry_run_route(route, version, document, tenant, route.connection)
        if dry_run.state != "skipped":
            return PartRehearsal(part, dry_run, event, overlap=overlap)
    document = build_sample_document(route.event_type, template.sample, tenant, now=now)
    dry_run = dry_run_route(route, version, document, tenant, route.connection)
    return PartRehearsal(part, dry_run, overlap=overlap)


def _map_connections(answers: CheckedAnswers) -> dict[str, Connection]:
    return {str(one.public_id): one for one in answers.connections.values()}


def build_version(route: Route, body: Mapping[str, Any]) -> MappingVersion:
    """Return the unsaved version of an unsaved mapping for a route."""
    mapping = FieldMapping(
        tenant=route.tenant, connector_key=route.connector_key, action=route.action
    )
    return MappingVersion(mapping=mapping, number=1, body=body)


def build_sample_document(
    event_type: str, sample: Mapping[str, Any], tenant: Tenant, *, now: datetime
) -> dict[str, Any]:
    """Return the document of a sample event, as mappings evaluate it."""
    return build_event_document(SAMPLE_ID, event_type, tenant, now, dict(sample))


# --- jobs -----------------------------------------------------------------------------------------


def _rehearse_job(
    part: PlannedPart,
    template: JobTemplate,
    tenant: Tenant,
    answers: CheckedAnswers,
    jobs: Sequence[Job],
    *,
    now: datetime,
) -> PartRehearsal:
    dry_run = None
    if template.kind == "report":
        dry_run = _rehearse_report(part, template, tenant, answers, now=now)
    overlap = find_job_overlap(
        build_part_job(tenant, part.document, _map_connections(answers)), jobs
    )
    slots = _list_next_slots(part, tenant, now=now)
    return PartRehearsal(part, dry_run, slots=slots, overlap=overlap)


def _rehearse_report(
    part: PlannedPart,
    template: JobTemplate,
    tenant: Tenant,
    answers: CheckedAnswers,
    *,
    now: datetime,
) -> DryRun:
    """Return the message of a report for the sample's figures."""
    options = parse_report_options(part.document["options"], template.connector)
    message, connection = options.message, answers.connections.get(options.message.connector)
    route = Route(tenant=tenant, connector_key=message.connector, action=message.action)
    data = {"picture": None, **template.sample, "channel": message.channel}
    document = build_sample_document(REPORT_EVENT_TYPE, data, tenant, now=now)
    action = CONNECTORS[message.connector].action(message.action)
    version = build_version(route, message.mapping or action.report_mapping)
    return dry_run_route(route, version, document, tenant, connection)


def _list_next_slots(part: PlannedPart, tenant: Tenant, *, now: datetime) -> list[datetime]:
    """Return the next times at which the job is due."""
    return list(
        islice(iterate_slots(part.document["cron"], tenant.time_zone, after=now), SLOTS_SHOWN)
    )
