"""The editor of one mapping, for customers and staff: draft, suggestions and preview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from connectors.roles import Action
from hub.audit import ActorContext
from hub.connections.credentials.provider_call import Call
from hub.connections.models import Connection
from hub.mappings.mapping_actions import change_mapping, create_mapping
from hub.mappings.models import FieldMapping
from hub.mappings.rows import rows_of_body
from hub.mappings.rows.body_draft import BodyDraft
from hub.mappings.rows.live_fields import (
    TargetFields,
    load_target_fields,
    refresh_target_fields,
)
from hub.mappings.rows.row_texts import describe_target
from hub.mappings.rows.target_fields import find_missing_fields, find_unlisted_values
from hub.outgoing.insight.mapping_editor.document_paths import list_document_paths
from hub.outgoing.insight.mapping_editor.mapping_use import EventDocument, MappingUse
from hub.outgoing.insight.mapping_editor.request_preview import (
    RequestPreview,
    find_sent_delivery,
    preview_request,
)
from hub.outgoing.models import Route
from hub.reason_codes import translate_text as in_language
from tenants.models import Tenant


@dataclass
class MappingEditor:
    """The state of the editor's page; `mapping` is unsaved while staff add one."""

    mapping: FieldMapping
    tenant: Tenant
    use: MappingUse
    draft: BodyDraft
    name: str
    event_id: str = ""  # of the event to preview; empty: the one that was sent last, or the newest
    route_id: str = ""
    version: str = ""  # the number of the newest version when the page was made; empty: unknown
    kept_values: str = ""  # the unlisted values that the person was asked about
    entry: EventDocument | None = None  # to preview, if it is none of the newest events
    problem: str = ""  # of the last action; errors of the rows are in the draft

    @classmethod
    def of_posted(
        cls, mapping: FieldMapping, tenant: Tenant, use: MappingUse, data: QueryDict
    ) -> "MappingEditor":
        draft = BodyDraft.of_posted(data, read_stored_body(mapping))
        name = data.get("name") or ""
        return cls(
            mapping,
            tenant,
            use,
            draft,
            name,
            data.get("event") or "",
            data.get("route") or "",
            data.get("version") or "",
            data.get("kept_values") or "",
        )

    @property
    def newest_version(self) -> str:
        return str(self.mapping.current.number) if self.mapping.pk else ""

    @property
    def is_outdated(self) -> bool:
        """Return whether another version was stored since the page was rendered."""
        return self.version not in ("", self.newest_version)

    @property
    def action(self) -> Action | None:
        try:
            return CONNECTORS[self.mapping.connector_key].action(self.mapping.action)
        except LookupError:  # an action of another release
            return None

    @property
    def route(self) -> Route:
        """Return the route to preview; an unsaved one if no route uses the mapping."""
        for route in self.use.routes:
            if str(route.public_id) == self.route_id:
                return route
        if self.use.routes:
            return self.use.routes[0]
        return Route(
            tenant=self.tenant,
            event_type="*",
            connector_key=self.mapping.connector_key,
            action=self.mapping.action,
            mapping=self.mapping,
        )

    def load_targets(self, body: Mapping[str, Any] | None) -> TargetFields:
        """Load the fields that this body can write, with their texts in the reader's language.

        If the draft has errors (`body` is None), those of the stored body.
        """
        if self.action is None:
            return TargetFields([])
        shown_body = body if body is not None else read_stored_body(self.mapping)
        targets = load_target_fields(self.connection, self.action, shown_body)
        fields = [
            replace(entry, label=in_language(entry.label), help=in_language(entry.help))
            for entry in targets.fields
        ]
        return replace(targets, fields=fields)

    def refuse_unlisted_values(self, body: Mapping[str, Any]) -> bool:
        """Return whether the body writes a value that is not in the list of its field, and set
        `problem`. A person may keep it by saving again, unless the system refuses it.
        """
        unlisted = find_unlisted_values(self.load_targets(body).fields, rows_of_body(body))
        asked_about = ", ".join(f"{field.path}: {value}" for field, value in unlisted)
        is_refused = any(field.is_restricted for field, _value in unlisted)
        if not unlisted or (asked_about == self.kept_values and not is_refused):
            return False
        self.kept_values = asked_about
        text = _("Not in the list of the other system: %(values)s.") % {"values": asked_about}
        next_step = (
            _("It refuses other values. Choose one of its list.")
            if is_refused
            else _("Choose one of its list, or save again to keep the value.")
        )
        self.problem = f"{text} {next_step}"
        return True

    @property
    def connection(self) -> Connection | None:
        """The connection that the previewed route sends to, or else the tenant's first one."""
        return self.route.connection or self.use.connection

    def refresh_targets(self, *, call: Call, now: datetime) -> None:
        """Read the fields and lists that this mapping needs from the external system again."""
        connection, action = self.connection, self.action
        if connection is None or action is None:
            return
        body = self.draft.build_body()
        shown_body = body if body is not None else read_stored_body(self.mapping)
        outcome = refresh_target_fields(connection, action, shown_body, call=call, now=now)
        if outcome:
            text = _("%(system)s could not be read: %(why)s")
            problem = outcome.detail or outcome.reason
            self.problem = text % {"system": connection.connector.label, "why": problem}

    def run_command(self, command: str, *, call: Call, now: datetime) -> None:
        """Do what a button of the page asks for; only *Save* stores anything, see `save`."""
        if command == "refresh":
            self.refresh_targets(call=call, now=now)
        if command == "example" and self.action:
            self.draft = BodyDraft.of_body(self.action.example)
        self.draft = self.draft.change(command)

    def save(self, actor: ActorContext, *, now: datetime) -> bool:
        """Store the draft as a new version, and the name; return False if there are errors."""
        body = self.draft.build_body()
        if body is None:
            return False
        if self.is_outdated:
            text = _(
                "Version %(number)s was stored meanwhile. Save again to replace it by your draft."
            )
            self.version = self.newest_version
            self.problem = text % {"number": self.version}
            return False
        if self.refuse_unlisted_values(body):
            return False
        name = self.name.strip() or self.mapping.name
        try:
            if self.mapping.pk:
                change_mapping(self.mapping, actor, name=name, body=body, now=now)
            else:
                self.mapping.name = name
                create_mapping(self.mapping, body, actor, now=now)
        except ValidationError as error:
            self.problem = " ".join(error.messages)
            return False
        return True

    def build_context(self, *, now: datetime) -> dict[str, Any]:
        """Build the context of the page; with a preview if the draft has no errors."""
        body = self.draft.build_body()
        targets = self.load_targets(body)
        self.draft.table.targets = targets.fields
        missing = find_missing_fields(targets.fields, self.draft.table.rows)
        connector = CONNECTORS.get(self.mapping.connector_key)
        return {
            "editor": self,
            "mapping": self.mapping,
            "target": describe_target(self.mapping),
            "version": self.version or self.newest_version,
            "draft": self.draft,
            "live": targets,
            "targets": targets.fields,
            "system": connector.label if connector else self.mapping.connector_key,
            "identity_kinds": list(connector.list_choices_by_kind) if connector else [],
            "missing_fields": missing if self.draft.view == "table" else [],
            "paths": list_document_paths(self.use.documents),
            "preview": self.preview(body, now=now) if body is not None and connector else None,
        }

    def preview(self, body: dict[str, Any], *, now: datetime) -> RequestPreview | None:
        """Preview the body on the chosen event; None if there is no event."""
        route = self.route
        sent = find_sent_delivery(route, self.tenant)
        event_id = self.event_id or (str(sent.delivery.event.public_id) if sent else "")
        entry = self.entry or self.use.find_document(event_id)
        if entry is None:
            return None
        return preview_request(route, body, entry, self.tenant, self.connection, sent, now=now)

    @property
    def events(self) -> Sequence[EventDocument]:
        return self.use.documents


def read_stored_body(mapping: FieldMapping) -> dict[str, Any]:
    """Return the body of the newest version; empty if the mapping is unsaved."""
    return mapping.current.ordered_body if mapping.pk else {}
