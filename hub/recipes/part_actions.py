"""Create, change, retire and delete the parts of integrations."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.mappings.compiler_cache import check_body_compiles, compiled_filter
from hub.mappings.mapping_actions import MappingInUse, delete_mapping
from hub.mappings.translate import MappingError
from hub.outgoing.models import Delivery
from hub.outgoing.subscriptions.route_actions import (
    RouteInUse,
    add_route,
    change_route,
    check_route,
    delete_route,
    enable_route,
)
from hub.problems import Refusal
from hub.recipes.answers import InvalidAnswers
from hub.recipes.documents import Document, merge_documents
from hub.recipes.models import Integration, IntegrationPart
from hub.recipes.part_plans import (
    PlannedPart,
    build_part_job,
    build_route,
    has_same_nature,
    read_part_document,
    set_job_columns,
    set_route_columns,
)
from hub.scheduled.jobs.job_actions import (
    JobInUse,
    change_job,
    create_job,
    delete_job,
    disable_job,
    enable_job,
)
from hub.scheduled.jobs.job_checks import InvalidJob
from hub.scheduled.models import Run

RELATED_ROWS = (
    "route__mapping",
    "route__connection",
    "route__origin",
    "route__tenant",
    "job__tenant",
    "job__connection",
    "mapping",
)
DELETED_AT_ONCE = 100  # retired parts of one sweep

Connections = Mapping[str, Connection]  # by public id


class PartRefused(Refusal):
    """A route or job of an integration cannot be stored or enabled; the text says which and why."""


@contextmanager
def name_refused_part(name: str) -> Iterator[None]:
    """Convert what routes and jobs are refused with to PartRefused."""
    try:
        yield
    except (InvalidJob, ValidationError) as invalid:
        problems = invalid.errors.values() if isinstance(invalid, InvalidJob) else invalid.messages
        text = _("“%(part)s” is refused: %(problem)s")
        raise PartRefused(text % {"part": name, "problem": " ".join(problems)}) from invalid


def load_parts(integration: Integration) -> list[IntegrationPart]:
    """Return the integration's parts that are not retired, with their rows; one statement."""
    parts = IntegrationPart.unscoped.filter(integration=integration, retired_at=None)
    return list(parts.select_related(*RELATED_ROWS).order_by("pk"))


def apply_plan(
    integration: Integration,
    planned_parts: Sequence[PlannedPart],
    actor: ActorContext,
    *,
    now: datetime,
) -> None:
    """Change, add and retire the integration's parts so that they match the plan.

    Runs in the caller's transaction, which has locked the integration. Raises InvalidAnswers if a
    route or job cannot be stored.
    """
    existing = {part.key: part for part in load_parts(integration)}
    connections = _load_connections(integration, existing.values(), planned_parts)
    for planned in planned_parts:
        part = existing.pop(planned.key, None)
        if part is not None and not has_same_nature(read_part_document(part), planned.document):
            retire_part(part, actor, now=now)
            part = None
        try:
            with name_refused_part(planned.name):
                if part is None:
                    _add_part(integration, planned, connections, actor, now=now)
                else:
                    _change_part(part, planned.document, connections, actor, now=now)
        except PartRefused as refused:
            raise InvalidAnswers({planned.key: str(refused)}) from refused
    for part in existing.values():
        retire_part(part, actor, now=now)


def compile_plan(parts: Iterable[IntegrationPart], planned_parts: Iterable[PlannedPart]) -> None:
    """Compile the mappings and expressions that a plan would give these parts; errors are ignored.

    Compiling takes a while, in which others must be able to write: it is done before the
    transaction that applies the plan.
    """
    existing = {part.key: part for part in parts}
    for planned in planned_parts:
        if planned.kind != "route":
            continue
        part, document, order_key = existing.get(planned.key), planned.document, ""
        if part is not None and part.route is not None:
            order_key = part.route.order_key
            if has_same_nature(current := read_part_document(part), document):
                document = merge_documents(current, part.made, document)
        with suppress(MappingError):
            check_body_compiles(dict(document["mapping"]))
        for text in filter(None, (document["filter"], order_key)):
            with suppress(MappingError):
                compiled_filter(text)


def _load_connections(
    integration: Integration,
    parts: Iterable[IntegrationPart],
    planned_parts: Iterable[PlannedPart],
) -> Connections:
    """Return the tenant's connections in current or planned parts."""
    documents = [read_part_document(part) for part in parts]
    documents += [dict(planned.document) for planned in planned_parts]
    ids = {
        str(document[name])
        for document in documents
        for name in ("connection", "origin")
        if document.get(name)
    }
    connections = Connection.objects.of(integration.tenant).filter(public_id__in=ids)
    return {str(connection.public_id): connection for connection in connections}


def _add_part(
    integration: Integration,
    planned: PlannedPart,
    connections: Connections,
    actor: ActorContext,
    *,
    now: datetime,
) -> None:
    document, is_enabled = planned.document, integration.state == "on"
    part = IntegrationPart(integration=integration, key=planned.key, made=document)
    if planned.kind == "route":
        route = build_route(integration.tenant, document, connections)
        route.enabled = is_enabled
        part.route = add_route(route, document["mapping"], actor, now=now)
        part.mapping = part.route.mapping
    else:
        job = build_part_job(integration.tenant, document, connections)
        job.is_enabled = is_enabled
        part.job = create_job(job, actor, now=now)
    part.save(force_insert=True)


def _change_part(
    part: IntegrationPart,
    wanted: Document,
    connections: Connections,
    actor: ActorContext,
    *,
    now: datetime,
) -> None:
    """Apply the differences between the part as it was created and as it is wanted."""
    merged = merge_documents(read_part_document(part), part.made, wanted)
    if part.route is not None:
        set_route_columns(part.route, merged, connections)
        change_route(part.route, merged["mapping"], actor, now=now)
    elif part.job is not None:
        change_job(set_job_columns(part.job, merged, connections), actor, now=now)
    if part.made != wanted:
        part.made = dict(wanted)
        part.save(update_fields=["made"])


def check_part(part: IntegrationPart) -> None:
    """Raise PartRefused if the part's route cannot be enabled; compiles its expressions."""
    if part.route is not None:
        with name_refused_part(part.route.name):
            check_route(part.route)


def enable_part(
    part: IntegrationPart, actor: ActorContext, *, enabled: bool, now: datetime
) -> None:
    """Enable or disable the part's route or job. Raises PartRefused."""
    with name_refused_part(part.row.name):
        if part.route is not None:
            enable_route(part.route, actor, enabled=enabled, now=now)
        elif part.job is not None:
            (enable_job if enabled else disable_job)(part.job, actor, now=now)


def retire_part(part: IntegrationPart, actor: ActorContext, *, now: datetime) -> None:
    """Disable the part; the sweep deletes it once it has no history."""
    if part.route is not None and part.route.enabled:
        enable_route(part.route, actor, enabled=False, now=now)
    if part.job is not None and part.job.is_enabled:
        disable_job(part.job, actor, now=now)
    part.retired_at = now
    part.save(update_fields=["retired_at"])


@transaction.atomic
def delete_retired_parts(
    actor: ActorContext, *, now: datetime, integration: Integration | None = None
) -> None:
    """Delete retired parts without a history, and removed integrations without parts."""
    own = Q() if integration is None else Q(integration=integration)
    rows = IntegrationPart.unscoped.filter(own, _has_no_history(), retired_at__isnull=False)
    parts = list(rows.select_related(*RELATED_ROWS).order_by("pk")[:DELETED_AT_ONCE])
    for part in parts:
        _delete_part(part, actor, now=now)
    owners = {part.integration_id for part in parts} | ({integration.pk} if integration else set())
    if owners:
        Integration.unscoped.filter(pk__in=owners, state="removed", parts=None).delete()


def _has_no_history() -> Q:
    deliveries = Delivery.unscoped.filter(route=OuterRef("route"))
    open_runs = Run.unscoped.filter(job=OuterRef("job"), state__in=Run.OPEN_STATES)
    return ~Exists(deliveries) & ~Exists(open_runs)


def _delete_part(part: IntegrationPart, actor: ActorContext, *, now: datetime) -> None:
    """Delete retired parts without deliveries and open runs, and removed, empty integrations.

    A step of the sweep.
    """
    mapping = part.mapping
    try:
        if part.route is not None:
            delete_route(part.route, actor, now=now)
        elif part.job is not None:
            delete_job(part.job, actor, now=now)
    except (RouteInUse, JobInUse):
        return  # by a delivery or run of this moment
    if mapping is not None:
        with suppress(MappingInUse):
            delete_mapping(mapping, actor, now=now)


def sweep_retired_parts(*, now: datetime) -> None:
    """Delete retired parts, of any integration, that have no deliveries and no open runs, and
    removed integrations without parts; a step of the sweep.
    """
    delete_retired_parts(ActorContext.system(), now=now)
