"""Outbound messages and flows of all orgs, as the Tooling API holds them.

https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling (2026-11). The error
codes of refused changes are unverified.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.salesforce.accounts import Org
from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.ids import id_of
from sandbox.salesforce.schema import objects
from sandbox.salesforce.soql.conditions import stamp_of
from sandbox.storage.journal import JournaledDict

Row = dict[str, Any]
MESSAGE, FLOW, DEFINITION = "WorkflowOutboundMessage", "Flow", "FlowDefinition"
PREFIXES = {MESSAGE: "04k", FLOW: "301", DEFINITION: "300"}
TRIGGERS = {"Create": (True, False), "Update": (False, True), "CreateAndUpdate": (True, True)}
START_CONDITIONS = ("filters", "filterFormula")
NOT_FOUND = "The requested resource does not exist"


class OrgMetadata:
    """Rows by kind and id, each with its `Metadata` and `LastModifiedDate`; kept over restarts."""

    def __init__(self, state: Path, clock: Clock):
        self._clock = clock
        self._rows = JournaledDict(state / "salesforce-metadata.jsonl")
        self._number = max((int(key.split("/")[2][3:15]) for key in self._rows), default=0)

    def all(self, org: Org, kind: str) -> list[Row]:
        prefix = f"{org.org}/{kind}/"
        return [row for key, row in self._rows.items() if key.startswith(prefix)]

    def read(self, org: Org, kind: str, id: str) -> Row:
        row = self._find(org, kind, "Id", id)
        if row is None:
            raise Refusal(404, "NOT_FOUND", NOT_FOUND)
        return row

    def create(self, org: Org, kind: str, body: Any) -> Row:
        """Raises Refusal for metadata that cannot be deployed."""
        name, metadata = full_name_of(body), metadata_of(body)
        if kind == MESSAGE:
            return self._create_message(org, name, metadata)
        if kind == FLOW:
            return self._create_flow(org, name, metadata)
        raise Refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"{kind} cannot be created")

    def change(self, org: Org, kind: str, id: str, body: Any) -> None:
        row = self.read(org, kind, id)
        metadata = metadata_of(body)
        if kind == DEFINITION:
            self._activate(org, row, metadata)
        elif kind == MESSAGE:
            check_message(org, row["FullName"], row["Metadata"] | metadata)
            self._store(
                org, kind, message_row(row["Id"], row["FullName"], row["Metadata"] | metadata)
            )
        else:
            self._change_flow(org, row, row["Metadata"] | metadata)

    def delete(self, org: Org, kind: str, id: str) -> None:
        row = self.read(org, kind, id)
        if kind == MESSAGE and any(
            row["FullName"] in actions_of(flow["Metadata"]) for flow in self.all(org, FLOW)
        ):
            message = f"This outbound message is referenced by a flow: {row['FullName']}"
            raise Refusal(400, "DEPENDENCY_EXISTS", message)
        if kind == FLOW and row["Status"] == "Active":
            message = "An active flow cannot be deleted. Deactivate it first."
            raise Refusal(400, "DELETE_FAILED", message)
        if kind == DEFINITION:
            raise Refusal(400, "CANNOT_DELETE_ENTITY", f"{kind} cannot be deleted")
        del self._rows[f"{org.org}/{kind}/{row['Id']}"]
        if kind == FLOW and not self._versions(org, row["FullName"]):
            definition = self._definition(org, row["FullName"])
            del self._rows[f"{org.org}/{DEFINITION}/{definition['Id']}"]

    def messages_for(self, org: Org, object: str, *, is_new: bool) -> Iterator[Row]:
        """The outbound messages that active flows send when such a record is saved."""
        messages = {row["FullName"]: row for row in self.all(org, MESSAGE)}
        for flow in self.all(org, FLOW):
            if flow["Status"] == "Active" and starts_for(flow, object, is_new=is_new):
                names = actions_of(flow["Metadata"])
                yield from (messages[name] for name in names if name in messages)

    def close(self) -> None:
        self._rows.close()

    def _create_message(self, org: Org, name: str, metadata: Row) -> Row:
        check_message(org, name, metadata)
        if self._find(org, MESSAGE, "FullName", name):
            message = f"duplicate value found: FullName duplicates value on record: {name}"
            raise Refusal(400, "DUPLICATE_DEVELOPER_NAME", message)
        return self._store(org, MESSAGE, message_row(self._new_id(MESSAGE), name, metadata))

    def _create_flow(self, org: Org, name: str, metadata: Row) -> Row:
        """A name that is there gets another version."""
        self._check_flow(org, metadata)
        definition = self._find(org, DEFINITION, "FullName", name) or self._store(
            org,
            DEFINITION,
            {"Id": self._new_id(DEFINITION), "FullName": name, "DeveloperName": name},
        )
        row = self._store(
            org,
            FLOW,
            {
                "Id": self._new_id(FLOW),
                "FullName": name,
                "DefinitionId": definition["Id"],
                "MasterLabel": metadata.get("label", name),
                "ProcessType": metadata.get("processType", "AutoLaunchedFlow"),
                "VersionNumber": len(self._versions(org, name)) + 1,
                "Status": metadata.get("status", "Draft"),
                "Metadata": metadata,
            },
        )
        if row["Status"] == "Active":
            self._set_active(org, row)
        self._update_definition(org, name)
        return row

    def _change_flow(self, org: Org, row: Row, metadata: Row) -> None:
        self._check_flow(org, metadata)
        self._store(
            org,
            FLOW,
            row | {"Metadata": metadata, "Status": metadata.get("status", row["Status"])},
        )
        if metadata.get("status") == "Active":
            self._set_active(org, row)
        self._update_definition(org, row["FullName"])

    def _check_flow(self, org: Org, metadata: Row) -> None:
        names = {row["FullName"] for row in self.all(org, MESSAGE)}
        if unknown := [name for name in actions_of(metadata) if name not in names]:
            message = f"We can't find an action with the name and action type: {unknown[0]}"
            raise Refusal(400, "FIELD_INTEGRITY_EXCEPTION", message)
        if metadata.get("status") == "Active":
            check_activation(org)

    def _activate(self, org: Org, definition: Row, metadata: Row) -> None:
        """`activeVersionNumber` of a definition; 0 or null deactivates."""
        number = metadata.get("activeVersionNumber") or 0
        versions = self._versions(org, definition["FullName"])
        selected = [row for row in versions if row["VersionNumber"] == number]
        if number and not selected:
            raise Refusal(400, "FIELD_INTEGRITY_EXCEPTION", f"no version {number} of this flow")
        if selected:
            check_activation(org)
        for row in versions:
            status = "Active" if row in selected else "Obsolete"
            if status == "Active" or row["Status"] == "Active":
                self._set_status(org, row, status)
        self._update_definition(org, definition["FullName"])

    def _set_active(self, org: Org, active: Row) -> None:
        """One version of a flow is active at most."""
        for row in self._versions(org, active["FullName"]):
            if row["Id"] != active["Id"] and row["Status"] == "Active":
                self._set_status(org, row, "Obsolete")

    def _set_status(self, org: Org, row: Row, status: str) -> None:
        metadata = row["Metadata"] | {"status": status}
        self._store(org, FLOW, row | {"Status": status, "Metadata": metadata})

    def _update_definition(self, org: Org, name: str) -> None:
        versions = self._versions(org, name)
        active = [row for row in versions if row["Status"] == "Active"]
        number = active[0]["VersionNumber"] if active else 0
        changes = {
            "ActiveVersionId": active[0]["Id"] if active else None,
            "LatestVersionId": versions[-1]["Id"],
            "Metadata": {"activeVersionNumber": number},
        }
        self._store(org, DEFINITION, self._definition(org, name) | changes)

    def _versions(self, org: Org, name: str) -> list[Row]:
        return [row for row in self.all(org, FLOW) if row["FullName"] == name]

    def _definition(self, org: Org, name: str) -> Row:
        return next(row for row in self.all(org, DEFINITION) if row["FullName"] == name)

    def _find(self, org: Org, kind: str, field: str, value: str) -> Row | None:
        short = 15 if field == "Id" else None
        return next(
            (row for row in self.all(org, kind) if row[field][:short] == value[:short]), None
        )

    def _new_id(self, kind: str) -> str:
        self._number += 1
        return id_of(PREFIXES[kind], self._number)

    def _store(self, org: Org, kind: str, row: Row) -> Row:
        """Return the row as it is stored, with the time of its last change."""
        changed = {"LastModifiedDate": stamp_of(datetime.fromtimestamp(self._clock(), UTC))}
        self._rows[f"{org.org}/{kind}/{row['Id']}"] = row | changed
        return row | changed


def starts_for(flow: Row, object: str, *, is_new: bool) -> bool:
    """Whether a flow starts when such a record is created or updated.

    Conditions are not evaluated: a flow that has some starts for no record.
    """
    start = flow["Metadata"].get("start") or {}
    if any(start.get(name) for name in START_CONDITIONS):
        return False
    trigger = str(start.get("recordTriggerType"))
    on_create, on_update = TRIGGERS.get(trigger, (False, False))
    return bool(start.get("object") == object and (on_create if is_new else on_update))


def message_row(id: str, name: str, metadata: Row) -> Row:
    return {
        "Id": id,
        "FullName": name,
        "Name": metadata.get("name", name.partition(".")[2]),
        "EntityDefinitionId": name.partition(".")[0],
        "ApiVersion": metadata.get("apiVersion", 67.0),
        "EndpointUrl": metadata["endpointUrl"],
        "IncludeSessionId": metadata.get("includeSessionId", False),
        "IntegrationUser": metadata.get("integrationUser"),
        "Metadata": metadata,
    }


def check_message(org: Org, name: str, metadata: Row) -> None:
    """Its name is `Object.Name`; its fields are those of the object; its URL is one."""
    kind = objects(org).get(name.partition(".")[0].lower())
    if kind is None or not name.partition(".")[2]:
        raise Refusal(400, "FIELD_INTEGRITY_EXCEPTION", f"no such object: {name}", ["FullName"])
    url = metadata.get("endpointUrl")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise Refusal(400, "FIELD_INTEGRITY_EXCEPTION", "endpointUrl: invalid URL", ["endpointUrl"])
    if not metadata.get("integrationUser"):
        message = "Required fields are missing: [integrationUser]"
        raise Refusal(400, "REQUIRED_FIELD_MISSING", message, ["integrationUser"])
    fields = metadata.get("fields")
    if not isinstance(fields, list) or not fields:
        raise Refusal(400, "REQUIRED_FIELD_MISSING", "fields: at least one field", ["fields"])
    if unknown := [field for field in fields if kind.field(str(field)) is None]:
        message = f"fields: no field {unknown[0]} on {kind.name}"
        raise Refusal(400, "FIELD_INTEGRITY_EXCEPTION", message, ["fields"])


def check_activation(org: Org) -> None:
    if not org.active_flows:
        message = "This org does not let flows be deployed as active."
        raise Refusal(400, "FLOW_ACTIVATION_REFUSED", message)


def actions_of(metadata: Row) -> list[str]:
    """The full names of the outbound messages that a flow sends."""
    calls = metadata.get("actionCalls") or []
    calls = calls if isinstance(calls, list) else [calls]
    return [
        str(call.get("actionName"))
        for call in calls
        if isinstance(call, dict) and call.get("actionType") == "outboundMessage"
    ]


def full_name_of(body: Any) -> str:
    name = body.get("FullName") if isinstance(body, dict) else None
    if not isinstance(name, str) or not name:
        raise Refusal(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [FullName]")
    return name


def metadata_of(body: Any) -> Row:
    metadata = body.get("Metadata") if isinstance(body, dict) else None
    if not isinstance(metadata, dict):
        raise Refusal(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]")
    return metadata
