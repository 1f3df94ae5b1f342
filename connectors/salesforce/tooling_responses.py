"""Parse the Tooling API's responses to the steps of a registration into named text values."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors.salesforce.tooling import select_fields


def _parse_fields(answer: Any) -> Mapping[str, str]:
    return {"fields": ",".join(select_fields(answer["fields"]))}


def _parse_metadata(answer: Any) -> Mapping[str, str]:
    fields = ",".join(str(name) for name in answer["Metadata"]["fields"])
    return {"metadata": fields, "name": str(answer["FullName"])}


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
    }


# by the name of the step; the others have no content
STEP_PARSERS: Mapping[str, Callable[[Any], Mapping[str, str]]] = {
    "describe": _parse_fields,
    "identity": _parse_identity,
    "user": _parse_username,
    "read": _parse_metadata,
    "message": lambda answer: {"message": str(answer["id"])},
    "flow": lambda answer: {"flow": str(answer["id"])},
    "find": _parse_flows,
    "find again": _parse_flows,
}
