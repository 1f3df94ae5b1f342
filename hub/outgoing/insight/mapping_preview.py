"""Preview of mappings: each route's action, its fields described, a sample of the newest event."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from connectors.http import dump_json
from connectors.roles import Action
from hub.connections.models import Connection
from hub.mappings.models import MappingVersion
from hub.mappings.translate import collect_identities
from hub.outgoing.insight.bodies import DisplayBody, build_display_body
from hub.outgoing.insight.dry_run import (
    DryRun,
    IdentityPair,
    RouteDraft,
    compile_draft,
    evaluate_draft,
    load_identities,
)
from hub.outgoing.insight.examples import load_newest_documents
from hub.outgoing.insight.explain import describe_delivery_reason
from hub.outgoing.insight.missing_identities import load_newest_versions
from hub.outgoing.models import Event, Route
from hub.reason_codes import translate_text as in_language

PLAIN_PATH = re.compile(r"data((?:\.[A-Za-z_][A-Za-z0-9_]*)+)", re.ASCII)
QUOTED_TEXT = re.compile(r"'([^'\\]*)'")
IDENTITY_CALL = re.compile(r"identity\('([^'\\]*)', *(.+)\)")


@dataclass(frozen=True, slots=True)
class FieldPreview:
    """A field of the other system, with its source described, or its expression if not simple."""

    key: str
    label: str  # empty: the connector does not describe this field
    words: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class MappingPreview:
    """The preview of one route."""

    route: Route
    action: str
    version: int | None
    fields: Sequence[FieldPreview]
    event: Event | None = None  # the newest that matches
    dry_run: DryRun | None = None

    @property
    def reason_text(self) -> str:
        """Return the sentence that explains why the sample would not be sent."""
        reason = self.dry_run.reason if self.dry_run else ""
        return describe_delivery_reason(reason, self.route.connector_key).sentence if reason else ""

    @property
    def body(self) -> DisplayBody | None:
        """Return the body that would be sent for the sample."""
        return (
            build_display_body(self.dry_run.body.encode(errors="backslashreplace"))
            if self.dry_run
            else None
        )


def preview_mappings(routes: Sequence[Route], connection: Connection) -> list[MappingPreview]:
    """Preview all routes in five statements; nothing is stored or sent."""
    tenant, versions = connection.tenant, load_newest_versions(routes)
    assert tenant is not None  # only connections of tenants have pages with previews
    zone = ZoneInfo(tenant.time_zone)
    events = load_newest_documents(tenant, {route.event_type for route in routes})
    drafts = {
        route.pk: (compile_draft(route, versions[route.mapping_id]), events[route.event_type][1])
        for route in routes
        if route.mapping_id in versions and route.event_type in events
    }
    pairs: set[IdentityPair] = set()
    for draft, document in drafts.values():
        if isinstance(draft, RouteDraft):
            pairs |= collect_identities(draft.mapping, document, zone)
    identities = load_identities(pairs, connection)
    dry_runs = {
        pk: evaluate_draft(draft, document, zone, identities)
        if isinstance(draft, RouteDraft)
        else draft
        for pk, (draft, document) in drafts.items()
    }
    return [
        build_mapping_preview(route, versions.get(route.mapping_id), events, dry_runs, connection)
        for route in routes
    ]


def build_mapping_preview(
    route: Route,
    version: MappingVersion | None,
    events: Mapping[str, tuple[Event, Any]],
    dry_runs: Mapping[int, DryRun],
    connection: Connection,
) -> MappingPreview:
    action = _find_route_action(route, connection)
    inputs = (version.ordered_body if version else {}) or (action.default if action else {})
    labels = {entry.key: in_language(entry.label) for entry in action.inputs} if action else {}
    return MappingPreview(
        route,
        in_language(action.label) if action else route.action,
        version.number if version else None,
        [_preview_field(key, labels.get(key, ""), value) for key, value in inputs.items()],
        events[route.event_type][0] if route.pk in dry_runs else None,
        dry_runs.get(route.pk),
    )


def _find_route_action(route: Route, connection: Connection) -> Action | None:
    try:
        return connection.connector.action(route.action)
    except LookupError:  # an action of another release
        return None


# --- in words -------------------------------------------------------------------------------------


def _preview_field(key: str, label: str, value: Any) -> FieldPreview:
    if not isinstance(value, str):
        return FieldPreview(key, label, code=dump_json(value).decode())
    words = _describe_expression(value)
    return FieldPreview(key, label, words) if words else FieldPreview(key, label, code=value)


def _describe_expression(expression: str) -> str:
    """Describe a simple expression as text; "" for any other expression."""
    if value := PLAIN_PATH.fullmatch(expression):
        return _("the event's %(name)s") % {
            "name": value[1][1:].replace("_", " ").replace(".", " › ")
        }
    if text := QUOTED_TEXT.fullmatch(expression):
        return _("always “%(text)s”") % {"text": text[1]}
    if pair := IDENTITY_CALL.fullmatch(expression):
        kind, literal = pair[1], QUOTED_TEXT.fullmatch(pair[2])
        subject = (
            _("“%(text)s”") % {"text": literal[1]} if literal else _describe_expression(pair[2])
        )
        return (
            _("the %(kind)s that is selected for %(whose)s") % {"kind": kind, "whose": subject}
            if subject
            else ""
        )
    return DOCUMENT_FIELD_TEXTS.get(expression, lambda: "")()


DOCUMENT_FIELD_TEXTS = {
    "data": lambda: _("all data of the event"),
    "type": lambda: _("the type of the event"),
    "id": lambda: _("the id of the event"),
    "occurred_at": lambda: _("the time of the event"),
    "tenant": lambda: _("the reference of your organisation"),
}
