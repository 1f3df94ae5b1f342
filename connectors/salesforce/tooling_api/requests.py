"""Requests to the Tooling API, and the metadata of outbound messages and flows.

https://developer.salesforce.com/docs/atlas.en-us.api_meta.meta/api_meta/meta_workflow.htm
(WorkflowOutboundMessage) and meta_visual_workflow.htm (Flow), 2026-11.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.http import KIBIBYTE, Request, dump_json
from connectors.salesforce.actions import API_VERSION, base_url
from connectors.salesforce.errors import ORG
from connectors.salesforce.schema import API_NAME_PATTERN, ID_PATTERN
from connectors.salesforce.webhook_types import CREATED, OBJECT_NAMES
from connectors.schema import Credential

MESSAGE, FLOW, DEFINITION = "WorkflowOutboundMessage", "Flow", "FlowDefinition"
FLOW_LABEL = "Integration Hub"  # followed by the id of the message
AFTER_SAVE = "RecordAfterSave"
MAX_FIELDS = 200
MAX_DESCRIPTION_BYTES = 8 * 1024 * KIBIBYTE  # bytes of an object's description
MAX_LIST_BYTES = 1024 * KIBIBYTE  # bytes of a list
# types of which an outbound message carries the value; compound and encrypted ones it does not
FIELD_TYPES = {
    "boolean",
    "combobox",
    "currency",
    "date",
    "datetime",
    "double",
    "email",
    "id",
    "int",
    "multipicklist",
    "percent",
    "phone",
    "picklist",
    "reference",
    "string",
    "textarea",
    "url",
}
# who created and last changed a record, and when
ORIGIN_FIELDS = {"CreatedById", "LastModifiedById", "LastModifiedDate", "SystemModstamp"}
DESCRIPTION = "Made and checked by the Integration Hub. Fields: %(digest)s"
# columns that say whether something was edited; their names are unverified
EDIT_COLUMNS = {MESSAGE: ("IncludeSessionId", "LastModifiedDate"), FLOW: ("LastModifiedDate",)}
# tooling_api_objects_workflowoutboundmessage.htm (2026-11) does not list it; the metadata has it
URL_COLUMN = "EndpointUrl"
LIST_COLUMNS = {
    MESSAGE: ("Id", "Name", URL_COLUMN, "EntityDefinitionId"),
    FLOW: ("Id", "MasterLabel"),
}
# of a message whose URL is read from its metadata, which a query returns of one row only
SINGLE_COLUMNS = "Id, Name, EntityDefinitionId, Metadata"
OUR_MESSAGES = f"(Name LIKE '{FLOW_LABEL}%' OR Name LIKE 'Hub_%')"
OUR_ACTIVE_FLOWS = f" WHERE Status = 'Active' AND MasterLabel LIKE '{FLOW_LABEL} 04k%'"


def build_list_query(kind: str, *, with_edits: bool) -> str:
    """Build the query for all messages, or for our active flows."""
    columns = LIST_COLUMNS[kind] + (EDIT_COLUMNS[kind] if with_edits else ())
    return f"SELECT {', '.join(columns)} FROM {kind}{OUR_ACTIVE_FLOWS if kind == FLOW else ''}"


def build_single_query(after: str) -> str:
    """Build the query for our next message behind an id, with its metadata. Raises ValueError."""
    behind = f" AND Id > '{_check_id(after)}'" if after else ""
    return (
        f"SELECT {SINGLE_COLUMNS} FROM {MESSAGE} WHERE {OUR_MESSAGES}{behind} ORDER BY Id LIMIT 1"
    )


def build_query(credential: Credential, query: str, *, path: str = "tooling/query") -> Request:
    return _build_request(
        "GET", credential, f"{path}?q={quote(query, safe='')}", keep=MAX_LIST_BYTES
    )


def build_flow_query(credential: Credential, message: str) -> Request:
    """Build the query for all versions of a message's flow. Raises ValueError."""
    label = f"{FLOW_LABEL} {_check_id(message)}"
    fields = "Id, DefinitionId, VersionNumber, Status"
    return build_query(credential, f"SELECT {fields} FROM {FLOW} WHERE MasterLabel = '{label}'")


def build_user_query(credential: Credential, user: str) -> Request:
    query = f"SELECT Username FROM User WHERE Id = '{_check_id(user)}'"
    return build_query(credential, query, path="query")


def build_identity(credential: Credential) -> Request:
    """Build the request for the list of API resources, whose response names the calling user."""
    return _build_request("GET", credential, "")


def build_describe(credential: Credential, object: str) -> Request:
    return _build_request(
        "GET", credential, f"sobjects/{object}/describe", keep=MAX_DESCRIPTION_BYTES
    )


def build_read(credential: Credential, kind: str, id: str) -> Request:
    return _build_request("GET", credential, f"tooling/sobjects/{kind}/{_check_id(id)}")


def build_create(credential: Credential, kind: str, body: Mapping[str, Any]) -> Request:
    return _build_request("POST", credential, f"tooling/sobjects/{kind}", json=body)


def build_change(credential: Credential, kind: str, id: str, body: Mapping[str, Any]) -> Request:
    path = f"tooling/sobjects/{kind}/{_check_id(id)}"
    return _build_request("PATCH", credential, path, json=body)


def build_delete(credential: Credential, kind: str, id: str) -> Request:
    return _build_request("DELETE", credential, f"tooling/sobjects/{kind}/{_check_id(id)}")


def build_activation(credential: Credential, definition: str, version: int) -> Request:
    """Build the request that activates a version of a flow; version 0 deactivates the flow."""
    body = {"Metadata": {"activeVersionNumber": version}}
    return build_change(credential, DEFINITION, definition, body)


def _build_request(
    method: str, credential: Credential, path: str, *, json: Any = None, keep: int = 64 * KIBIBYTE
) -> Request:
    url = f"{base_url(credential)}/services/data/{API_VERSION}/{path}".rstrip("/")
    return Request(
        method,
        url,
        json=json,
        bearer=credential.access_token,
        spends=((ORG, 1),),
        response_bytes_max=keep,
    )


def _check_id(id: str) -> str:
    """Return the id. Raises ValueError if it has not the form of a Salesforce id."""
    if not ID_PATTERN.fullmatch(id):
        raise ValueError(f"{id[:40]!r} is not an ID")
    return id


def select_fields(fields: Sequence[Mapping[str, Any]]) -> list[str]:
    """Select the fields of an object that an outbound message carries, at most MAX_FIELDS.

    Those by which our own changes are recognized are among them in an object with many fields, too.
    """
    names = [str(field["name"]) for field in fields if field["type"] in FIELD_TYPES]
    usable = [name for name in names if API_NAME_PATTERN.fullmatch(name)]
    return sorted(usable, key=lambda name: name not in ORIGIN_FIELDS)[:MAX_FIELDS]


def name_message(key: str, url: str) -> str:
    """Return an outbound message's full name, `<object>.<name>`; `name` derives from its URL."""
    object, _separator, change = key.partition(".")
    return f"{OBJECT_NAMES[object]}.Hub_{change}_{hashlib.sha256(url.encode()).hexdigest()[:10]}"


def describe_fields(fields: Sequence[str]) -> str:
    """Return the description of a message with these fields, by which an edit of them shows."""
    digest = hashlib.sha256(",".join(sorted(fields)).encode()).hexdigest()[:16]
    return DESCRIPTION % {"digest": digest}


def digest_metadata(metadata: Mapping[str, Any]) -> str:
    """Return a text that differs when the metadata of a message differs."""
    return hashlib.sha256(dump_json(dict(sorted(metadata.items())))).hexdigest()[:16]


def build_message(key: str, url: str, username: str, fields: Sequence[str]) -> dict[str, Any]:
    """Build the metadata of a message. No session id is sent."""
    metadata = {
        "apiVersion": float(API_VERSION.removeprefix("v")),
        "description": describe_fields(fields),
        "endpointUrl": url,
        "fields": list(fields),
        "includeSessionId": False,
        "name": f"{FLOW_LABEL}: {key}",
        "protected": False,
        "useDeadLetterQueue": False,
    }
    return metadata | ({"integrationUser": username} if username else {})


def find_trigger(key: str) -> str:
    return "Create" if key.partition(".")[2] == CREATED else "Update"


def build_flow(key: str, name: str, message: str) -> dict[str, Any]:
    """Build the after-save flow of a message with a full name and an id, as a draft."""
    object = key.partition(".")[0]
    label = f"{FLOW_LABEL} {_check_id(message)}"
    action = {
        "name": "Send_message",
        "label": "Send message",
        "locationX": 176,
        "locationY": 287,
        "actionType": "outboundMessage",
        "actionName": name,
    }
    start = {
        "locationX": 50,
        "locationY": 0,
        "connector": {"targetReference": "Send_message"},
        "object": OBJECT_NAMES[object],
        "recordTriggerType": find_trigger(key),
        "triggerType": AFTER_SAVE,
    }
    metadata = {
        "actionCalls": [action],
        "apiVersion": float(API_VERSION.removeprefix("v")),
        "description": f"Sends {key} to the Integration Hub. Made and checked by it.",
        "environments": "Default",
        "interviewLabel": f"{label} {{!$Flow.CurrentDateTime}}",
        "label": label,
        "processType": "AutoLaunchedFlow",
        "start": start,
        "status": "Draft",
    }
    return {"FullName": f"Integration_Hub_{message}", "Metadata": metadata}
