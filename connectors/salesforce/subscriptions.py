"""Our outbound messages at Salesforce, each sent by an after-save flow, by the Tooling API.

https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling (2026-11):
WorkflowOutboundMessage, Flow and FlowDefinition; the permission Customize Application is needed. An
outbound message does not show if its record is new or changed, so each object has two messages,
with different queries in their URLs. A message is named after its URL, as an organisation may have
messages of several installations; its flow is named after the message's id.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.http import Request, Response
from connectors.i18n import _
from connectors.outcomes import (
    PERMISSION_MISSING,
    Outcome,
    never,
    permission_missing,
    raises_unreadable,
)
from connectors.salesforce.errors import find_rejection
from connectors.salesforce.tooling import (
    ACTIVE_FLOWS_QUERY,
    FLOW,
    FLOW_LABEL,
    MESSAGE,
    MESSAGES_QUERY,
    build_activation,
    build_change,
    build_create,
    build_delete,
    build_describe,
    build_flow,
    build_flow_query,
    build_identity,
    build_message,
    build_query,
    build_read,
    build_user_query,
    name_message,
)
from connectors.salesforce.tooling_responses import STEP_PARSERS
from connectors.salesforce.webhook_types import CHANGE_PARAMETER, CHANGES, OBJECT_NAMES
from connectors.schema import Credential
from connectors.webhook_sources import (
    ONLY_BY_HAND,
    FoundSubscription,
    Step,
    SubscriptionPage,
    Subscriptions,
    WantedSubscription,
)

FLOWS_CURSOR = "flows"  # the cursor of the second page
FLOW_KEY = "flow"  # of what that page reports, until it is merged
ACTIVATE = "activate"  # the step that an organisation may leave to a person
NOT_FOUND = 404
# what a person without the permission is told, with 403 or 400
NO_ACCESS_REASONS = {
    "insufficient_access",
    "insufficient_access_or_readonly",
    "insufficient_access_on_cross_reference_entity",
}
NEEDS_PERMISSION = (
    "The person who connected needs the permission Customize Application in Salesforce."
)


class SalesforceSubscriptions(Subscriptions):
    check_every = 900.0
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
        query = ACTIVE_FLOWS_QUERY if cursor == FLOWS_CURSOR else MESSAGES_QUERY
        return build_query(credential, query)

    @raises_unreadable
    def parse_list(self, response: Response) -> SubscriptionPage | Outcome:
        if rejection := _find_rejection(response):
            return rejection
        answer = response.json()
        records = answer["records"]
        if any(record["attributes"]["type"] == FLOW for record in records):
            return SubscriptionPage([_parse_flow(record) for record in records])
        registrations = [_parse_message(record) for record in records]
        is_first = answer.get("entityTypeName", MESSAGE) == MESSAGE
        return SubscriptionPage(registrations, FLOWS_CURSOR if registrations and is_first else "")

    def merge_pages(
        self, registrations: Sequence[FoundSubscription]
    ) -> Sequence[FoundSubscription]:
        """Return the messages, each active if its flow is."""
        active = {entry.external_id for entry in registrations if entry.key == FLOW_KEY}
        return [
            replace(entry, is_active=entry.external_id in active)
            for entry in registrations
            if entry.key != FLOW_KEY
        ]

    def join_ids(self, ids: Mapping[str, str]) -> str:
        """Return the id of the outbound message, which is stored; its flow is found by this id."""
        return ids.get("message", "")

    def next_step(
        self, credential: Credential, target: WantedSubscription, ids: Mapping[str, str]
    ) -> Step | None:
        object = OBJECT_NAMES[target.key.partition(".")[0]]
        if "fields" not in ids:
            return Step("describe", build_describe(credential, object))
        if step := _find_user_step(credential, ids):
            return step
        if "message" not in ids:
            metadata = build_message(target.key, target.url, ids["username"])
            body = {
                "FullName": name_message(target.key, target.url),
                "Metadata": metadata | {"fields": ids["fields"].split(",")},
            }
            return Step("message", build_create(credential, MESSAGE, body))
        known_values = {"name": name_message(target.key, target.url)} | dict(ids)
        return _find_flow_step(credential, target.key, ids["message"], known_values)

    def next_repair(
        self,
        credential: Credential,
        target: WantedSubscription,
        registration: FoundSubscription,
        done: Mapping[str, str],
    ) -> Step | None:
        id = registration.external_id
        if registration.url != target.url and "change" not in done:
            if step := _find_user_step(credential, done):
                return step
            if "metadata" not in done:
                return Step("read", build_read(credential, MESSAGE, id))
            metadata = build_message(target.key, target.url, done["username"])
            fields = done["metadata"].split(",")
            body = {"Metadata": metadata | {"fields": fields}}
            return Step("change", build_change(credential, MESSAGE, id, body))
        return None if registration.is_active else _find_flow_step(credential, target.key, id, done)

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


def _find_user_step(credential: Credential, ids: Mapping[str, str]) -> Step | None:
    """Return the call that finds the user as whom messages are sent; None if the user is known."""
    if "user_id" not in ids:
        return Step("identity", build_identity(credential))
    if "username" not in ids:
        return Step("user", build_user_query(credential, ids["user_id"]))
    return None


def _find_flow_step(
    credential: Credential, key: str, message: str, ids: Mapping[str, str]
) -> Step | None:
    """Return the next call on the way to an active flow for a message; None if it is active.

    The flow is created as a draft: if the organisation does not allow us to activate it, a person
    activates the draft.
    """
    if "definition" not in ids:
        return Step("find", build_flow_query(credential, message))
    if not ids["definition"] and "name" not in ids:
        return Step("read", build_read(credential, MESSAGE, message))
    if not ids["definition"] and "flow" not in ids:
        body = build_flow(key, ids["name"], message)
        return Step("flow", build_create(credential, FLOW, body))
    if not ids["definition"]:
        return Step("find again", build_flow_query(credential, message))
    if ids["active"]:
        return None
    version = int(ids["version"])
    return Step(ACTIVATE, build_activation(credential, ids["definition"], version))


def _find_rejection(response: Response) -> Outcome | None:
    rejection = find_rejection(response)
    if rejection and rejection.reason in NO_ACCESS_REASONS:
        return permission_missing(rejection.reason, NEEDS_PERMISSION)
    return rejection


def _parse_message(record: Mapping[str, Any]) -> FoundSubscription:
    url = str(record["EndpointUrl"] or "")
    key = f"{str(record['EntityDefinitionId']).lower()}.{_parse_change(url)}"
    return FoundSubscription(
        external_id=str(record["Id"]),
        url=url,
        key=key,
        event_types=(key,),
        evidence={"name": str(record["Name"]), "object": str(record["EntityDefinitionId"])},
    )


def _parse_flow(record: Mapping[str, Any]) -> FoundSubscription:
    """Parse an active flow that the hub created, with the id of its outbound message."""
    message = str(record["MasterLabel"]).removeprefix(FLOW_LABEL).strip()
    return FoundSubscription(external_id=message, url="", key=FLOW_KEY)


def _parse_change(url: str) -> str:
    """Return the value of `change` in the query of a URL; "" if it is missing or unknown.

    A URL without it is not one of ours.
    """
    try:
        values = parse_qs(urlsplit(url).query).get(CHANGE_PARAMETER) or [""]
    except ValueError:
        return ""
    return values[0] if values[0] in CHANGES else ""
