"""Pipedrive: make and change records, one in a call; it takes no id of ours, so that a lost answer may make two."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.base import Action
from connectors.marked import _
from connectors.outcomes import Outcome, delivered
from connectors.parts import Credential, Input, Message, stated
from connectors.pipedrive.answers import BURST, COMPANY, DOOR, refusal
from connectors.pipedrive.kinds import KINDS, Kind
from connectors.wire import Request, Response, Spends, Unreadable

ID = re.compile(r"[0-9]{1,18}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
FIELD_KEY = re.compile(r"[0-9a-f]{40}", re.ASCII)


def base(credential: Credential) -> str:
    """Where this company lives; before its first answer, the host of all."""
    return str(credential.settings.get("api_domain") or credential.urls["api"]).rstrip("/")


def spends(tokens: int) -> Spends:
    return ((COMPANY, tokens), (BURST, 1), (DOOR, 1))


class Write(Action):
    """One record of one kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.permissions = kind.permissions

    def check(self, body: Mapping[str, Any]) -> str:
        if wrong := super().check(body):
            return wrong
        custom = body.get("custom_fields") or {}
        if not isinstance(custom, Mapping) or not all(FIELD_KEY.fullmatch(key) for key in custom):
            return "custom_fields is not an object of keys of 40 characters"
        return ""

    def call(self, method: str, path: str, body: Mapping[str, Any], credential: Credential) -> Request:
        return Request(
            method,
            f"{base(credential)}/api/{path}",
            json=self.written(body),
            bearer=credential.access,
            spends=spends(self.kind.tokens),
        )

    def written(self, body: Mapping[str, Any]) -> dict[str, Any]:
        fields = stated(body)
        custom = stated(fields.pop("custom_fields", {}))
        if not self.kind.custom_inside:
            return {**custom, **fields}
        return {**fields, "custom_fields": custom} if custom else fields

    def outcome(self, response: Response) -> Outcome:
        if wrong := refusal(response):
            return wrong
        answer = response.json()
        if answer["success"] is not True:
            raise Unreadable("success is not true")
        return delivered(str(answer["data"]["id"]))


class Create(Write):
    help = "It knows no id of ours: after a lost answer, sending again may make a second one."

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.key = f"create_{kind.key}"
        self.label = kind.creates
        self.inputs = tuple(replace(entry, required=entry.key == kind.needs) for entry in kind.inputs)
        self.example = kind.example

    def check(self, body: Mapping[str, Any]) -> str:
        if wrong := super().check(body):
            return wrong
        linked = not self.kind.needs_one or any(body.get(key) for key in self.kind.needs_one)
        return "" if linked else f"missing: one of {', '.join(self.kind.needs_one)}"

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        mark = {self.kind.marked: message.id} if self.kind.marked else {}
        return self.call("POST", self.kind.path, {**mark, **stated(message.body)}, credential)


class Update(Write):
    help = "What the mapping leaves out stays as it is."
    idempotent = True  # the same change twice is the same change

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.key = f"update_{kind.key}"
        self.label = kind.changes
        self.inputs = (Input("id", _("Id"), f"Of the {kind.key}.", required=True), *kind.inputs)
        self.example = {"id": "'1'", **kind.change}

    def check(self, body: Mapping[str, Any]) -> str:
        if wrong := super().check(body):
            return wrong
        return "" if ID.fullmatch(str(body["id"])) else "id is not the id of a record"

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        fields = {key: value for key, value in message.body.items() if key != "id"}
        return self.call(self.kind.changed_by, f"{self.kind.path}/{message['id']}", fields, credential)


ACTIONS = tuple(verb(kind) for kind in KINDS for verb in (Create, Update))
