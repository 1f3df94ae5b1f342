"""What each kind of event becomes over a connection: the action, each of their fields in words, and a sample."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from connectors.base import Action
from connectors.wire import dumps
from hub.connections.models import Connection
from hub.mappings.models import MappingVersion
from hub.mappings.translate import collect_identities
from hub.outgoing.bodies import Body, body_of
from hub.outgoing.examples import newest_of
from hub.outgoing.explain import words_of
from hub.outgoing.models import Event, Route
from hub.outgoing.rehearse import Draft, Pair, Rehearsal, draft_of, known_identities, rehearsed
from hub.outgoing.unidentified import newest_versions
from hub.words import said as in_language

VALUE = re.compile(r"data((?:\.[A-Za-z_][A-Za-z0-9_]*)+)", re.ASCII)
TEXT = re.compile(r"'([^'\\]*)'")
IDENTITY = re.compile(r"identity\('([^'\\]*)', *(.+)\)")


@dataclass(frozen=True, slots=True)
class Line:
    """One of their fields: how it is made, in words where there are any, else as the mapping says it."""

    key: str
    label: str  # empty: the system knows no such field by itself
    words: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """One route."""

    route: Route
    action: str
    version: int | None
    lines: Sequence[Line]
    event: Event | None = None  # the newest that it would take
    sample: Rehearsal | None = None

    @property
    def why(self) -> str:
        """Why this event is not sent as it is."""
        reason = self.sample.reason if self.sample else ""
        return words_of(reason, self.route.connector_key).sentence if reason else ""

    @property
    def body(self) -> Body | None:
        """What would be sent of it."""
        return body_of(self.sample.body.encode(errors="backslashreplace")) if self.sample else None


def conversions(routes: Sequence[Route], connection: Connection) -> list[Conversion]:
    """In five statements, however many routes; nothing is stored or sent."""
    tenant, versions = connection.tenant, newest_versions(routes)
    zone = ZoneInfo(tenant.time_zone)
    events = newest_of(tenant, {route.event_type for route in routes})
    drafts = {
        route.pk: (draft_of(route, versions[route.mapping_id]), events[route.event_type][1])
        for route in routes
        if route.mapping_id in versions and route.event_type in events
    }
    asked: set[Pair] = set()
    for draft, document in drafts.values():
        if isinstance(draft, Draft):
            asked |= collect_identities(draft.mapping, document, zone)
    known = known_identities(asked, connection)
    made = {
        pk: rehearsed(draft, document, zone, known) if isinstance(draft, Draft) else draft
        for pk, (draft, document) in drafts.items()
    }
    return [told(route, versions.get(route.mapping_id), events, made, connection) for route in routes]


def told(
    route: Route,
    version: MappingVersion | None,
    events: Mapping[str, tuple[Event, Any]],
    made: Mapping[int, Rehearsal],
    connection: Connection,
) -> Conversion:
    action = action_of(route, connection)
    said = (version.body if version else {}) or (action.default if action else {})
    labels = {entry.key: in_language(entry.label) for entry in action.inputs} if action else {}
    return Conversion(
        route,
        in_language(action.label) if action else route.action,
        version.number if version else None,
        [line(key, labels.get(key, ""), value) for key, value in said.items()],
        events[route.event_type][0] if route.pk in made else None,
        made.get(route.pk),
    )


def action_of(route: Route, connection: Connection) -> Action | None:
    try:
        return connection.connector.action(route.action)
    except LookupError:  # of another release
        return None


# --- in words --------------------------------------------------------------------------------------------------------


def line(key: str, label: str, value: Any) -> Line:
    if not isinstance(value, str):
        return Line(key, label, code=dumps(value).decode())
    words = in_words(value)
    return Line(key, label, words) if words else Line(key, label, code=value)


def in_words(expression: str) -> str:
    """Empty where it is worked out in a way that takes the expression itself to tell."""
    if value := VALUE.fullmatch(expression):
        return _("the event's %(name)s") % {"name": value[1][1:].replace("_", " ").replace(".", " › ")}
    if text := TEXT.fullmatch(expression):
        return _("always “%(text)s”") % {"text": text[1]}
    if pair := IDENTITY.fullmatch(expression):
        kind, whose = pair[1], TEXT.fullmatch(pair[2])
        of = f"“{whose[1]}”" if whose else in_words(pair[2])
        return _("the %(kind)s that is said for %(whose)s") % {"kind": kind, "whose": of} if of else ""
    return WHOLE.get(expression, lambda: "")()


WHOLE = {
    "data": lambda: _("all data of the event"),
    "type": lambda: _("the type of the event"),
    "id": lambda: _("the id of the event"),
    "occurred_at": lambda: _("when it happened"),
    "tenant": lambda: _("the reference of your organisation"),
}
