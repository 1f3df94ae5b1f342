"""Dry run of a route: filter, mapping and action for one event; nothing is stored or sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from connectors.http import format_json
from connectors.registry import CONNECTORS
from connectors.roles import Action
from hub.connections.models import Connection
from hub.mappings.compiler_cache import compiled_filter
from hub.mappings.expressions.functions import IdentitySkipped
from hub.mappings.fallbacks import load_fallbacks
from hub.mappings.missing_paths import MissingPath, find_missing_paths
from hub.mappings.models import Identity, IdentityFallback, MappingVersion
from hub.mappings.translate import (
    CompiledFilter,
    CompiledMapping,
    FilterExplanation,
    MappingError,
    MappingFailed,
    collect_identities,
    compile_mapping,
    translate,
)
from hub.outgoing.models import Route
from tenants.models import Tenant

IdentityPair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RouteDraft:
    """A compiled route, as stored or as in a form."""

    action: Action
    mapping: CompiledMapping
    filter: CompiledFilter | None = None

    @classmethod
    def compile(cls, route: Route, version: MappingVersion) -> "RouteDraft":
        """Compile a stored route with a version of its mapping, which may be a draft: not cached.

        Raises LookupError when connector or action no longer exists, MappingError when filter or
        mapping is invalid.
        """
        action = CONNECTORS[route.connector_key].action(route.action)
        mapping = compile_mapping(dict(version.body or action.default))
        return cls(action, mapping, compiled_filter(route.filter) if route.filter else None)


@dataclass(frozen=True, slots=True)
class DryRun:
    """The result for one event: the first state and reason of its delivery, or why it is held."""

    state: str
    reason: str = ""
    detail: str = ""
    clause: FilterExplanation | None = None
    body: str = ""
    missing: tuple[IdentityPair, ...] = ()
    gaps: tuple[MissingPath, ...] = ()  # paths of the mapping that found nothing in this event


def dry_run_route(
    route: Route,
    version: MappingVersion,
    document: Mapping[str, Any],
    tenant: Tenant,
    connection: Connection | None = None,
) -> DryRun:
    """Return the result of a stored route for one event; each expected error is a result."""
    draft = compile_draft(route, version)
    return (
        dry_run_draft(draft, document, tenant, connection)
        if isinstance(draft, RouteDraft)
        else draft
    )


def compile_draft(route: Route, version: MappingVersion) -> RouteDraft | DryRun:
    """Return the compiled route, or every event's result if it does not compile. Never raises."""
    try:
        return RouteDraft.compile(route, version)
    except MappingError as error:
        return DryRun("held", "mapping_failed", str(error))
    except LookupError as error:
        return DryRun("held", "defect", f"no such action: {error}")


def dry_run_draft(
    draft: RouteDraft,
    document: Mapping[str, Any],
    tenant: Tenant,
    connection: Connection | None = None,
) -> DryRun:
    """Return a draft's result for one event, with identities of a connection. Never raises."""
    zone = ZoneInfo(tenant.time_zone)
    identities = load_identities(
        collect_identities(draft.mapping, dict(document), zone), connection
    )
    return evaluate_draft(draft, document, zone, identities)


def evaluate_draft(
    draft: RouteDraft,
    document: Mapping[str, Any],
    zone: ZoneInfo,
    identities: Mapping[IdentityPair, str | IdentitySkipped],
) -> DryRun:
    """Evaluate as in sending: filter, mapping, identities, the action's check. Never raises."""
    try:
        clause = draft.filter.explain(dict(document)) if draft.filter else None
    except MappingFailed as error:
        return DryRun("held", "filter_failed", str(error))
    if clause and not clause.passed:
        return DryRun("skipped", "filtered", f"{clause.clause} found {clause.value}", clause)
    missing: set[IdentityPair] = set()

    def find_remote_id(kind: str, local_id: str) -> str:
        if (kind, local_id) in identities:
            remote_id = identities[kind, local_id]
            if isinstance(remote_id, IdentitySkipped):
                raise remote_id
            return remote_id
        missing.add((kind, local_id))
        return f"⟨{kind} {local_id} is missing⟩"

    try:
        mapped = translate(
            draft.mapping, dict(document), zone=zone, look_up_identity=find_remote_id
        )
    except IdentitySkipped as error:
        return DryRun("skipped", "identity_skipped", str(error), clause)
    except MappingFailed as error:
        return DryRun("held", "mapping_failed", str(error), clause)
    dry_run = _check_mapped_body(draft.action, mapped, tuple(sorted(missing)), clause)
    return replace(dry_run, gaps=find_missing_paths(draft.mapping, document, mapped))


def _check_mapped_body(
    action: Action,
    mapped: Mapping[str, Any],
    missing: tuple[IdentityPair, ...],
    clause: FilterExplanation | None,
) -> DryRun:
    body = format_json(mapped)
    if missing:
        detail = ", ".join(f"{kind} {local_id}" for kind, local_id in missing)
        return DryRun("held", "identity_missing", detail, clause, body, missing)
    if problem := action.find_body_problem(mapped):
        return DryRun("held", "payload_refused", problem, clause, body)
    return DryRun("waiting", "", "", clause, body)


def find_trial_connection(
    connection: Connection | None, tenant: Tenant, connector_key: str
) -> Connection | None:
    """Return the connection of a dry run's identities: the route's, or the tenant's first there."""
    if connection or tenant.pk is None:
        return connection
    connections = Connection.objects.of(tenant).filter(connector_key=connector_key)
    return connections.order_by("pk").first()


def load_identities(
    identity_pairs: set[IdentityPair], connection: Connection | None
) -> dict[IdentityPair, str | IdentitySkipped]:
    """Load the remote ids; for missing ones apply the connection's fallback.

    Two queries at most. A pair that is in neither result holds the delivery.
    """
    if not identity_pairs or connection is None:
        return {}
    kinds, local_ids = {kind for kind, _ in identity_pairs}, {value for _, value in identity_pairs}
    identities = Identity.confirmed().filter(
        connection=connection, kind__in=kinds, local_id__in=local_ids
    )
    remote_ids: dict[IdentityPair, str | IdentitySkipped] = {
        (identity.kind, identity.local_id): identity.remote_id for identity in identities
    }
    missing = identity_pairs - remote_ids.keys()
    if not missing:
        return remote_ids
    missing_kinds = {kind for kind, _ in missing}
    direction = IdentityFallback.Direction.OUT
    fallbacks = load_fallbacks([connection.pk], missing_kinds, direction)
    for kind, local_id in missing:
        fallback = fallbacks.get((connection.pk, kind))
        if fallback and fallback.choice == IdentityFallback.Choice.SKIP:
            remote_ids[kind, local_id] = IdentitySkipped(kind, local_id, fallback.explanation)
        elif fallback and fallback.default_id:
            remote_ids[kind, local_id] = fallback.default_id
    return remote_ids
