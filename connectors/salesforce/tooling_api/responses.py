"""Parse the Tooling API's responses to the steps of a registration into named text values."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors.salesforce.tooling_api.requests import (
    AFTER_SAVE,
    DESCRIPTION,
    ORIGIN_FIELDS,
    describe_fields,
    select_fields,
)

# what keeps a flow from sending at once for every record, in its `start`
CONDITIONS = ("filterFormula", "filters", "scheduledPaths")


def _parse_fields(answer: Any) -> Mapping[str, str]:
    return {"fields": ",".join(select_fields(answer["fields"]))}


def _parse_name(answer: Any) -> Mapping[str, str]:
    return {"name": str(answer["FullName"])}


def _parse_message(answer: Any) -> Mapping[str, str]:
    """Return the name of a message, and "1" where its session or its fields were edited.

    Its description says which fields we chose. One of an earlier release does not: it counts as
    edited if what recognizes our own changes is missing.
    """
    metadata, fields = (
        answer["Metadata"],
        [str(name) for name in _list(answer["Metadata"]["fields"])],
    )
    description = str(metadata.get("description") or "")
    is_described = description.startswith(DESCRIPTION % {"digest": ""})
    is_edited = (
        description != describe_fields(fields) if is_described else not set(fields) >= ORIGIN_FIELDS
    )
    return {
        "message_name": str(answer["FullName"]),
        "session": "1" if metadata.get("includeSessionId") else "",
        "fields": "1" if is_edited else "",
    }


def _parse_flow(answer: Any) -> Mapping[str, str]:
    """Return for which records a flow starts, and the message that it sends at once; "": none."""
    metadata = answer["Metadata"]
    start = metadata.get("start") or {}
    target = (start.get("connector") or {}).get("targetReference")
    sent = [
        str(call.get("actionName"))
        for call in _list(metadata.get("actionCalls"))
        if call.get("actionType") == "outboundMessage" and call.get("name") == target
    ]
    is_after_save = start.get("triggerType") == AFTER_SAVE
    return {
        "flow_object": str(start.get("object")),
        "trigger": str(start.get("recordTriggerType")) if is_after_save else "",
        "conditions": ", ".join(name for name in CONDITIONS if start.get(name)),
        "sent_message": sent[0] if sent else "",
    }


def _list(value: Any) -> list[Any]:
    """Return a list of metadata; of one entry, the API may give the entry itself."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _parse_identity(answer: Any) -> Mapping[str, str]:
    """Return the user in `https://…/id/<organisation>/<user>`; "" if the response contains none."""
    user = str(answer.get("identity") or "").rstrip("/").rpartition("/")[2]
    return {"user_id": user} if user else {"user_id": "", "username": ""}


def _parse_username(answer: Any) -> Mapping[str, str]:
    return {"username": str(answer["records"][0]["Username"])}


def _parse_flows(answer: Any) -> Mapping[str, str]:
    """Return the flow's versions, its definition id and newest version; empty without a flow."""
    flows = sorted(answer["records"], key=lambda flow: int(flow["VersionNumber"]))
    newest = flows[-1] if flows else {}
    return {
        "flows": ",".join(str(flow["Id"]) for flow in flows),
        "definition": str(newest.get("DefinitionId", "")),
        "version": str(newest.get("VersionNumber", "")),
        "active": "1" if any(flow["Status"] == "Active" for flow in flows) else "",
        "newest_active": "1" if newest.get("Status") == "Active" else "",
    }


# by the name of the step; the others have no content
STEP_PARSERS: Mapping[str, Callable[[Any], Mapping[str, str]]] = {
    "describe": _parse_fields,
    "identity": _parse_identity,
    "user": _parse_username,
    "read": _parse_name,
    "message details": _parse_message,
    "flow details": _parse_flow,
    "message": lambda answer: {"message": str(answer["id"])},
    "flow": lambda answer: {"flow": str(answer["id"])},
    "find": _parse_flows,
    "find again": _parse_flows,
}
