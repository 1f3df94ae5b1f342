"""What a route would make of an event, worked out without storing or sending anything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import Action
from connectors.registry import CONNECTORS
from connectors.wire import dumps
from hub.connections.models import Connection
from hub.mappings.missing_paths import Gap, missing_paths
from hub.mappings.models import Identity, MappingVersion
from hub.mappings.translate import (
    CompiledFilter,
    CompiledMapping,
    Explanation,
    MappingError,
    MappingFailed,
    collect_identities,
    translate,
)
from hub.outgoing.match import compiled_filter
from hub.outgoing.models import Route
from hub.outgoing.pump.reading import compiled
from tenants.models import Tenant

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Draft:
    """A route as it stands in a form, compiled."""

    action: Action
    mapping: CompiledMapping
    filter: CompiledFilter | None = None

    @classmethod
    def of(cls, route: Route, version: MappingVersion) -> "Draft":
        """A route as it is, by this version of its mapping. Raises LookupError and MappingError."""
        action = CONNECTORS[route.connector_key].action(route.action)
        mapping = compiled(dumps(version.body or action.default))
        return cls(action, mapping, compiled_filter(route.filter) if route.filter else None)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One event through one draft. `reason` is the code with which the delivery would begin or be held."""

    state: str
    reason: str = ""
    detail: str = ""
    clause: Explanation | None = None
    body: str = ""
    missing: tuple[Pair, ...] = ()
    gaps: tuple[Gap, ...] = ()  # paths of the mapping that found nothing in this event


def of_route(
    route: Route,
    version: MappingVersion,
    document: Mapping[str, Any],
    tenant: Tenant,
    connection: Connection | None = None,
) -> Rehearsal:
    """What this route makes of an event today. Never raises."""
    draft = draft_of(route, version)
    return rehearse(draft, document, tenant, connection) if isinstance(draft, Draft) else draft


def draft_of(route: Route, version: MappingVersion) -> Draft | Rehearsal:
    """Or what becomes of every event, as the route itself is broken. Never raises."""
    try:
        return Draft.of(route, version)
    except MappingError as error:
        return Rehearsal("held", "mapping_failed", str(error))
    except LookupError as error:
        return Rehearsal("held", "defect", f"no such action: {error}")


def rehearse(
    draft: Draft, document: Mapping[str, Any], tenant: Tenant, connection: Connection | None = None
) -> Rehearsal:
    """With the identities that are known at this connection. Never raises."""
    zone = ZoneInfo(tenant.time_zone)
    known = known_identities(collect_identities(draft.mapping, dict(document), zone), connection)
    return rehearsed(draft, document, zone, known)


def rehearsed(draft: Draft, document: Mapping[str, Any], zone: ZoneInfo, known: Mapping[Pair, str]) -> Rehearsal:
    """In the order of the real way: filter, mapping, identities, what the action itself checks. Never raises."""
    try:
        clause = draft.filter.explain(dict(document)) if draft.filter else None
    except MappingFailed as error:
        return Rehearsal("held", "filter_failed", str(error))
    if clause and not clause.passed:
        return Rehearsal("skipped", "filtered", f"{clause.clause} found {clause.value}", clause)
    missing: set[Pair] = set()

    def theirs(kind: str, ours: str) -> str:
        if (kind, ours) in known:
            return known[kind, ours]
        missing.add((kind, ours))
        return f"⟨{kind} {ours} is missing⟩"

    try:
        made = translate(draft.mapping, dict(document), zone=zone, identities=theirs)
    except MappingFailed as error:
        return Rehearsal("held", "mapping_failed", str(error), clause)
    judged = verdict(draft.action, made, tuple(sorted(missing)), clause)
    return replace(judged, gaps=missing_paths(draft.mapping, document, made))


def verdict(
    action: Action, made: Mapping[str, Any], missing: tuple[Pair, ...], clause: Explanation | None
) -> Rehearsal:
    body = json.dumps(made, indent=2, ensure_ascii=False)
    if missing:
        detail = ", ".join(f"{kind} {ours}" for kind, ours in missing)
        return Rehearsal("held", "identity_missing", detail, clause, body, missing)
    if refusal := action.check(made):
        return Rehearsal("held", "payload_refused", refusal, clause, body)
    return Rehearsal("waiting", "", "", clause, body)


def known_identities(asked: set[Pair], connection: Connection | None) -> dict[Pair, str]:
    if not asked or connection is None:
        return {}
    kinds, ours = {kind for kind, _ in asked}, {value for _, value in asked}
    rows = Identity.unscoped.filter(connection=connection, kind__in=kinds, ours__in=ours)
    return {(row.kind, row.ours): row.theirs for row in rows}
