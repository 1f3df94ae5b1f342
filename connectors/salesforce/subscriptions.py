"""Our outbound messages at Salesforce, each sent by an after-save flow, by the Tooling API.

https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling (2026-11):
WorkflowOutboundMessage, Flow and FlowDefinition; the permission Customize Application is needed. An
outbound message does not show if its record is new or changed, so each object has two messages,
with different queries in their URLs. A message is named after its URL, as an organisation may have
messages of several installations; its flow is named after the message's id.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.http import Request, Response, Unreadable
from connectors.i18n import _
from connectors.outcomes import (
    PERMISSION_MISSING,
    Outcome,
    never,
    permission_missing,
    raises_unreadable,
)
from connectors.salesforce.errors import ORG, find_rejection
from connectors.salesforce.schema import ID_PATTERN
from connectors.salesforce.tooling_api.requests import (
    EDIT_COLUMNS,
    FLOW,
    FLOW_LABEL,
    MESSAGE,
    URL_COLUMN,
    build_activation,
    build_change,
    build_create,
    build_delete,
    build_flow_query,
    build_list_query,
    build_query,
    build_read,
    build_single_query,
    digest_metadata,
    find_trigger,
    name_message,
)
from connectors.salesforce.tooling_api.responses import STEP_PARSERS
from connectors.salesforce.tooling_api.steps import (
    ACTIVATE,
    build_metadata,
    find_flow_step,
    find_new_version_step,
    find_preparation_step,
)
from connectors.salesforce.webhook_types import CHANGE_PARAMETER, CHANGES, OBJECT_NAMES
from connectors.schema import Credential
from connectors.webhook_sources import (
    NOT_SUPPORTED,
    ONLY_BY_HAND,
    FoundSubscription,
    Step,
    SubscriptionPage,
    Subscriptions,
    WantedSubscription,
    WatchCosts,
)

# cursors of the pages: messages, then flows; where a column that shows edits is refused, without it
FLOWS_CURSOR, PLAIN_MESSAGES_CURSOR, PLAIN_FLOWS_CURSOR = "flows", "messages", "plain_flows"
# where the column with the URL is refused, messages one by one: followed by the id of the last one
SINGLE_CURSOR = "message:"
UNKNOWN_COLUMN = re.compile(r"No such column '(\w+)'", re.ASCII)
# what a repair writes anew: the message, or the flow
MESSAGE_DIFFERENCES = {"url", "session", "fields"}
FLOW_DIFFERENCES = {"object", "conditions", "trigger", "action"}
FLOW_KEY = "flow"  # of what that page reports, until it is merged
NOT_FOUND = 404
# what a person without the permission is told, with 403 or 400
NO_ACCESS_REASONS = {
    "insufficient_access",
    "insufficient_access_or_readonly",
    "insufficient_access_on_cross_reference_entity",
}
# of an organisation whose edition has no API, no outbound messages or no flows (unverified)
NOT_SUPPORTED_REASONS = {"api_disabled_for_org", "functionality_not_enabled", "invalid_type"}
NEEDS_PERMISSION = (
    "The person who connected needs the permission Customize Application in Salesforce."
)


class SalesforceSubscriptions(Subscriptions):
    check_every = 900.0
    # messages and flows are listed; of each pair the metadata is read. A look is a listing, the
    # description of an object and a query
    watch_costs = {ORG: WatchCosts(check=2, look=4, canary=1, detail=2)}
    has_details = True
    evidence_labels = {"name": _("Outbound message"), "object": _("Object"), "flow": _("Flow")}
    guide = (
        _(
            "The person who connects needs the permission Customize Application (Setup, Users, "
            "Permission Sets, System Permissions)."
        ),
        _(
            "If Salesforce does not let us activate our flow: open Setup, Process Automation, "
            "Flows, select the flow “Integration Hub …”, and select Activate. The next check "
            "finds it."
        ),
        _(
            "If the flow or its message is missing as well: open Setup, Process Automation, "
            "Outbound Messages, New Outbound Message. Select the object and its fields, leave "
            "Send Session ID off, and enter as Endpoint URL: %(url)s. Its last part names the "
            "change, created or updated."
        ),
        _(
            "Then open Flows, New Flow, Record-Triggered Flow: the same object, A record is "
            "created (or updated), After the record is saved. Add the action Send Outbound "
            "Message, save and activate."
        ),
    )

    def list_wanted_registrations(
        self, event_types: Collection[str]
    ) -> Mapping[str, tuple[str, ...]]:
        return {
            key: (key,)
            for key in sorted(event_types)
            if key.partition(".")[0] in OBJECT_NAMES and key.partition(".")[2] in CHANGES
        }

    def build_url(self, url: str, key: str) -> str:
        return f"{url}?{CHANGE_PARAMETER}={key.partition('.')[2]}"

    def list_request(self, credential: Credential, *, cursor: str = "") -> Request:
        """Build the request that lists our outbound messages or, after these, the active flows."""
        if cursor.startswith(SINGLE_CURSOR):
            query = build_single_query(cursor.removeprefix(SINGLE_CURSOR))
            return build_query(credential, query)
        kind = FLOW if cursor in (FLOWS_CURSOR, PLAIN_FLOWS_CURSOR) else MESSAGE
        query = build_list_query(kind, with_edits=cursor in ("", FLOWS_CURSOR))
        return build_query(credential, query)

    @raises_unreadable
    def parse_list(self, response: Response, *, cursor: str = "") -> SubscriptionPage | Outcome:
        if rejection := _find_rejection(response):
            other_cursor = _find_plainer_list(rejection, cursor)
            return SubscriptionPage([], other_cursor) if other_cursor else rejection
        records = response.json()["records"]
        if cursor in (FLOWS_CURSOR, PLAIN_FLOWS_CURSOR):
            return SubscriptionPage([_parse_flow(record) for record in records])
        registrations = [_parse_message(record) for record in records]
        if cursor.startswith(SINGLE_CURSOR):
            return SubscriptionPage(registrations, _find_next_single(registrations))
        flows_cursor = PLAIN_FLOWS_CURSOR if cursor == PLAIN_MESSAGES_CURSOR else FLOWS_CURSOR
        return SubscriptionPage(registrations, flows_cursor if registrations else "")

    def merge_pages(
        self, registrations: Sequence[FoundSubscription]
    ) -> Sequence[FoundSubscription]:
        """Return the messages, each once, and active if its flow is."""
        flows = {entry.external_id: entry for entry in registrations if entry.key == FLOW_KEY}
        messages = {entry.external_id: entry for entry in registrations if entry.key != FLOW_KEY}
        return [
            replace(
                entry,
                is_active=id in flows,
                revision=f"{entry.revision} {flows[id].revision}" if id in flows else "",
                evidence={**entry.evidence, **flows[id].evidence}
                if id in flows
                else entry.evidence,
            )
            for id, entry in messages.items()
        ]

    def find_differences(
        self, target: WantedSubscription, registration: FoundSubscription
    ) -> tuple[str, ...]:
        """Return what differs; of the fields, conditions and actions where they were read."""
        differences = super().find_differences(target, registration)
        details = registration.details
        is_session_sent = bool(registration.evidence.get("session") or details.get("session"))
        if is_session_sent:
            differences += ("session",)
        return differences + (_find_edits(target.key, details) if details else ())

    def next_detail(
        self, credential: Credential, registration: FoundSubscription, details: Mapping[str, str]
    ) -> Step | None:
        """Read the metadata of the message, then that of its active flow."""
        if "message_name" not in details:
            id = registration.external_id
            return Step("message details", build_read(credential, MESSAGE, id))
        if "trigger" not in details:
            flow = str(registration.evidence["flow"])
            return Step("flow details", build_read(credential, FLOW, flow))
        return None

    def join_ids(self, ids: Mapping[str, str]) -> str:
        """Return the id of the outbound message, which is stored; its flow is found by this id."""
        return ids.get("message", "")

    def next_step(
        self, credential: Credential, target: WantedSubscription, ids: Mapping[str, str]
    ) -> Step | None:
        if step := find_preparation_step(credential, target.key, ids):
            return step
        if "message" not in ids:
            body = {
                "FullName": name_message(target.key, target.url),
                "Metadata": build_metadata(target, ids),
            }
            return Step("message", build_create(credential, MESSAGE, body))
        known_values = {"name": name_message(target.key, target.url)} | dict(ids)
        return find_flow_step(credential, target.key, ids["message"], known_values)

    def next_repair(
        self,
        credential: Credential,
        target: WantedSubscription,
        registration: FoundSubscription,
        done: Mapping[str, str],
    ) -> Step | None:
        """Write the whole message, and a new version of the flow, where these differ."""
        id, differences = registration.external_id, self.find_differences(target, registration)
        if MESSAGE_DIFFERENCES & set(differences) and "change" not in done:
            if step := find_preparation_step(credential, target.key, done):
                return step
            body = {"Metadata": build_metadata(target, done)}
            return Step("change", build_change(credential, MESSAGE, id, body))
        if FLOW_DIFFERENCES & set(differences):
            return find_new_version_step(credential, target.key, id, done)
        return None if registration.is_active else find_flow_step(credential, target.key, id, done)

    def next_removal(
        self, credential: Credential, external_id: str, done: Mapping[str, str]
    ) -> Step | None:
        """Deactivate and delete the flow, then delete the message."""
        if "definition" not in done:
            return Step("find", build_flow_query(credential, external_id))
        if done["active"] and "deactivate" not in done:
            return Step("deactivate", build_activation(credential, done["definition"], 0))
        for id in filter(None, done["flows"].split(",")):
            if f"delete {id}" not in done:
                request = build_delete(credential, FLOW, id)
                return Step(f"delete {id}", request)
        if "delete message" in done:
            return None
        request = build_delete(credential, MESSAGE, external_id)
        return Step("delete message", request)

    @raises_unreadable
    def parse_step(self, step: str, response: Response) -> Mapping[str, str] | Outcome:
        """Return the ids of what a step created. Raises Unreadable.

        If the organisation does not allow us to activate a flow, a person has to activate it.
        """
        if step.startswith("delete") and response.status == NOT_FOUND:
            return {}
        if rejection := _find_rejection(response):
            is_final = rejection.kind == "never" and rejection.reason != PERMISSION_MISSING
            is_by_hand = step == ACTIVATE and is_final
            return never(ONLY_BY_HAND, rejection.detail) if is_by_hand else rejection
        if step == ACTIVATE:
            return {"active": "1"}
        parse = STEP_PARSERS.get(step)
        return parse(response.json()) if parse else {}


def _find_edits(key: str, details: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a person has changed of a message and its flow."""
    edits = {
        "object": details["flow_object"] != OBJECT_NAMES[key.partition(".")[0]],
        "fields": bool(details["fields"]),
        "conditions": bool(details["conditions"]),
        "trigger": details["trigger"] != find_trigger(key),
        "action": details["sent_message"] != details["message_name"],
    }
    return tuple(name for name, is_edited in edits.items() if is_edited)


def _find_rejection(response: Response) -> Outcome | None:
    rejection = find_rejection(response)
    if rejection and rejection.reason in NO_ACCESS_REASONS:
        return permission_missing(rejection.reason, NEEDS_PERMISSION)
    if rejection and rejection.reason in NOT_SUPPORTED_REASONS:
        return never(NOT_SUPPORTED, rejection.detail)
    return rejection


def _find_plainer_list(rejection: Outcome, cursor: str) -> str:
    """Return the cursor of a list without the column that was refused; "" for another refusal."""
    unknown = UNKNOWN_COLUMN.search(rejection.detail)
    column = unknown[1] if unknown else rejection.detail
    if cursor in ("", PLAIN_MESSAGES_CURSOR) and URL_COLUMN in column:
        return SINGLE_CURSOR
    if cursor == "" and any(name in column for name in EDIT_COLUMNS[MESSAGE]):
        return PLAIN_MESSAGES_CURSOR
    if cursor == FLOWS_CURSOR and any(name in column for name in EDIT_COLUMNS[FLOW]):
        return PLAIN_FLOWS_CURSOR
    return ""


def _find_next_single(registrations: Sequence[FoundSubscription]) -> str:
    """Return the cursor behind a message that was read alone. Raises Unreadable."""
    if not registrations:
        return FLOWS_CURSOR
    id = registrations[-1].external_id
    if not ID_PATTERN.fullmatch(id):
        raise Unreadable("a message has no ID")
    return f"{SINGLE_CURSOR}{id}"


def _parse_message(record: Mapping[str, Any]) -> FoundSubscription:
    """Parse a message of the list, or one that was read with its metadata."""
    metadata = record.get("Metadata")
    url = str((metadata["endpointUrl"] if metadata else record[URL_COLUMN]) or "")
    is_session_sent = (metadata or {}).get("includeSessionId") or record.get("IncludeSessionId")
    revision = digest_metadata(metadata) if metadata else record.get("LastModifiedDate", "")
    key = f"{str(record['EntityDefinitionId']).lower()}.{_parse_change(url)}"
    return FoundSubscription(
        external_id=str(record["Id"]),
        url=url,
        key=key,
        event_types=(key,),
        evidence={"name": str(record["Name"]), "object": str(record["EntityDefinitionId"])}
        | ({"session": True} if is_session_sent else {}),
        revision=str(revision),
    )


def _parse_flow(record: Mapping[str, Any]) -> FoundSubscription:
    """Parse an active flow that the hub created, with the id of its outbound message."""
    message = str(record["MasterLabel"]).removeprefix(FLOW_LABEL).strip()
    flow, changed_at = str(record["Id"]), str(record.get("LastModifiedDate", ""))
    return FoundSubscription(
        external_id=message,
        url="",
        key=FLOW_KEY,
        evidence={"flow": flow},
        revision=f"{flow} {changed_at}",
    )


def _parse_change(url: str) -> str:
    """Return the value of `change` in the query of a URL; "" if it is missing or unknown.

    A URL without it is not one of ours.
    """
    try:
        values = parse_qs(urlsplit(url).query).get(CHANGE_PARAMETER) or [""]
    except ValueError:
        return ""
    return values[0] if values[0] in CHANGES else ""
