"""Canaries at Pipedrive: one record of each object whose name is changed."""

from collections.abc import Mapping
from typing import Any

from connectors.http import Request, Response
from connectors.i18n import _
from connectors.outcomes import Outcome, raises_unreadable
from connectors.pipedrive.actions import base_url, build_token_costs
from connectors.pipedrive.errors import find_rejection
from connectors.pipedrive.schema import RECORD_KINDS, RecordKind
from connectors.schema import Credential
from connectors.webhook_sources import GONE, Canary

MISSING = (404, 410)


class PipedriveCanary(Canary):
    def __init__(self, kind: RecordKind, explanation: str) -> None:
        self.kind, self.explanation = kind, explanation
        self.permissions = tuple(kind.permissions)

    def write_request(self, credential: Credential, record: str, mark: str) -> Request:
        body = {self.kind.required_input: mark}
        if record:
            return self._build_canary_request(
                self.kind.change_method, f"/{record}", credential, body
            )
        return self._build_canary_request("POST", "", credential, body)

    @raises_unreadable
    def parse_write(self, response: Response, record: str) -> str | Outcome:
        if record and response.status in MISSING:
            return GONE
        if rejection := find_rejection(response):
            return rejection
        return str(response.json()["data"]["id"])

    def removal_request(self, credential: Credential, record: str) -> Request:
        return self._build_canary_request("DELETE", f"/{record}", credential)

    @raises_unreadable
    def parse_removal(self, response: Response) -> str | Outcome:
        rejection = None if response.status in MISSING else find_rejection(response)
        return rejection or GONE

    def find_mark(self, type: str, data: Mapping[str, Any]) -> str:
        record = data.get("record")
        mark = record.get(self.kind.required_input) if isinstance(record, Mapping) else ""
        return mark if isinstance(mark, str) else ""

    def _build_canary_request(
        self, method: str, path: str, credential: Credential, body: Mapping[str, str] | None = None
    ) -> Request:
        return Request(
            method,
            f"{base_url(credential)}/api/{self.kind.path}{path}",
            json=body,
            bearer=credential.access_token,
            spends=build_token_costs(self.kind.tokens),
        )


EXPLANATIONS = {
    "person": _(
        "The hub creates one person named “Integration Hub check …” in Pipedrive, and changes its "
        "name at this interval. It deletes the person when you switch this off "
        "or disconnect."
    ),
    "organization": _(
        "The hub creates one organization named “Integration Hub check …” in Pipedrive, and "
        "changes its name at this interval. It deletes the organization when you switch this off "
        "or disconnect."
    ),
    "deal": _(
        "The hub creates one deal with the title “Integration Hub check …” in Pipedrive, and "
        "changes its title at this interval. It deletes the deal when you switch this off "
        "or disconnect."
    ),
}
CANARIES = {
    kind.key: PipedriveCanary(kind, EXPLANATIONS[kind.key])
    for kind in RECORD_KINDS
    if kind.key in EXPLANATIONS
}
NO_CANARY = {
    "lead": _("A lead in Pipedrive needs a person or an organization, so the hub makes none."),
    "note": _("A note in Pipedrive needs a record that people see, so the hub makes none."),
    "activity": _("An activity would appear in a person's calendar, so the hub makes none."),
}
