"""Pipedrive: create and change records, one in each call.

Pipedrive accepts no id of ours: after a lost response, sending again may create a second record.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.http import Request, Response, Spends, Unreadable
from connectors.i18n import _
from connectors.outcomes import Outcome, delivered
from connectors.pipedrive.errors import ADDRESS, BURST, COMPANY, find_rejection
from connectors.pipedrive.schema import RECORD_KINDS, RecordKind
from connectors.roles import Action, RecordToWrite, parse_instant
from connectors.schema import Credential, Input, Message, remove_nulls

ID_PATTERN = re.compile(r"[0-9]{1,18}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
FIELD_KEY_PATTERN = re.compile(r"[0-9a-f]{40}", re.ASCII)


def base_url(credential: Credential) -> str:
    """Return the company's own API host, or the common one before a response has named it."""
    return str(credential.settings.get("api_domain") or credential.urls["api"]).rstrip("/")


def build_token_costs(tokens: int) -> Spends:
    return ((COMPANY, tokens), (BURST, 1), (ADDRESS, 1))


class WriteAction(Action):
    """Write one record of one kind."""

    def __init__(self, kind: RecordKind) -> None:
        self.kind = kind
        self.permissions = kind.permissions

    def schema_object(self, body: Mapping[str, Any]) -> str:
        """Return the schema object of the kind; "" for notes, whose fields never differ."""
        return self.kind.object_key if self.kind.key != "note" else ""

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        custom = body.get("custom_fields") or {}
        if not isinstance(custom, Mapping) or not all(
            FIELD_KEY_PATTERN.fullmatch(key) for key in custom
        ):
            return "custom_fields is not an object of keys of 40 characters"
        return ""

    def build_request(
        self, method: str, path: str, body: Mapping[str, Any], credential: Credential
    ) -> Request:
        return Request(
            method,
            f"{base_url(credential)}/api/{path}",
            json=self.request_body(body),
            bearer=credential.access_token,
            spends=build_token_costs(self.kind.tokens),
        )

    def request_body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        fields = remove_nulls(body)
        custom = remove_nulls(fields.pop("custom_fields", {}))
        if not self.kind.nests_custom_fields:
            return {**custom, **fields}
        return {**fields, "custom_fields": custom} if custom else fields

    def written_record(self, message: Message) -> RecordToWrite:
        """Return the record's fields as webhooks report changes, custom fields at the top level."""
        fields = remove_nulls(message.body)
        custom = remove_nulls(fields.pop("custom_fields", {}))
        record = str(fields.pop("id", ""))
        return RecordToWrite(self.kind.key, record, {**fields, **custom})

    def outcome(self, response: Response) -> Outcome:
        if rejection := find_rejection(response):
            return rejection
        answer = response.json()
        if answer["success"] is not True:
            raise Unreadable("success is not true")
        record = answer["data"]
        return delivered(str(record["id"]), changed_at=parse_instant(record.get("update_time")))


class Create(WriteAction):
    creates = True
    help = (
        "Pipedrive does not support our IDs. If a response is lost, a retry may create a "
        "second record."
    )

    def __init__(self, kind: RecordKind) -> None:
        super().__init__(kind)
        self.key = f"create_{kind.key}"
        self.label = kind.create_label
        self.inputs = tuple(
            replace(entry, required=entry.key == kind.required_input) for entry in kind.inputs
        )
        self.example = kind.example

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        has_link = not self.kind.required_alternatives or any(
            body.get(key) for key in self.kind.required_alternatives
        )
        return "" if has_link else f"missing: one of {', '.join(self.kind.required_alternatives)}"

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        mark = {self.kind.delivery_id_field: message.id} if self.kind.delivery_id_field else {}
        return self.build_request(
            "POST", self.kind.path, {**mark, **remove_nulls(message.body)}, credential
        )


class Update(WriteAction):
    help = "Fields that the mapping omits are not changed."
    is_idempotent = True  # the same change twice is the same change

    def __init__(self, kind: RecordKind) -> None:
        super().__init__(kind)
        self.key = f"update_{kind.key}"
        self.label = kind.change_label
        self.inputs = (Input("id", _("Id"), _("ID of the record."), required=True), *kind.inputs)
        self.example = {"id": "'1'", **kind.change_example}

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        return "" if ID_PATTERN.fullmatch(str(body["id"])) else "id is not the ID of a record"

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        fields = {key: value for key, value in message.body.items() if key != "id"}
        return self.build_request(
            self.kind.change_method, f"{self.kind.path}/{message['id']}", fields, credential
        )


class Delete(WriteAction):
    """Delete one record; Pipedrive keeps it as deleted for 30 days. There is no precondition.

    https://developers.pipedrive.com/docs/api/v1/Deals#deleteDeal (2026-11), of the API v2.
    """

    help = "Pipedrive keeps the deleted record for 30 days."
    is_idempotent = True
    label = _("Delete a deal")
    inputs = (Input("id", _("Id"), _("ID of the record."), required=True),)
    example = {"id": "'1'"}

    def __init__(self, kind: RecordKind) -> None:
        super().__init__(kind)
        self.key = f"delete_{kind.key}"

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        return "" if ID_PATTERN.fullmatch(str(body["id"])) else "id is not the ID of a record"

    def written_record(self, message: Message) -> RecordToWrite:
        return RecordToWrite(self.kind.key, str(message["id"]), {}, is_deletion=True)

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        request = self.build_request("DELETE", f"{self.kind.path}/{message['id']}", {}, credential)
        return replace(request, json=None)


# of the other kinds Pipedrive lists no deletions, so none is ever proven
DELETED_KINDS = tuple(kind for kind in RECORD_KINDS if kind.key == "deal")
ACTIONS = (
    *(verb(kind) for kind in RECORD_KINDS for verb in (Create, Update)),
    *map(Delete, DELETED_KINDS),
)
