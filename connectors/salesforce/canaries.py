"""Canaries at Salesforce: one record of each object whose description is changed."""

from collections.abc import Mapping
from typing import Any

from connectors.http import Request, Response
from connectors.i18n import _
from connectors.outcomes import Outcome, raises_unreadable
from connectors.salesforce.actions import API_VERSION, base_url
from connectors.salesforce.errors import ORG, find_rejection
from connectors.salesforce.webhook_types import CREATED, UPDATED
from connectors.schema import Credential
from connectors.webhook_sources import GONE, MARK_PREFIX, Canary

NOT_FOUND = 404
MARK_FIELD = "Description"


class SalesforceCanary(Canary):
    change, creation = UPDATED, CREATED

    def __init__(self, object: str, fields: Mapping[str, str], explanation: str) -> None:
        self.object, self.fields, self.explanation = object, fields, explanation

    def write_request(self, credential: Credential, record: str, mark: str) -> Request:
        if record:
            return self._build_canary_request("PATCH", f"/{record}", credential, {MARK_FIELD: mark})
        return self._build_canary_request("POST", "", credential, {**self.fields, MARK_FIELD: mark})

    @raises_unreadable
    def parse_write(self, response: Response, record: str) -> str | Outcome:
        if record and response.status == NOT_FOUND:
            return GONE
        if rejection := find_rejection(response):
            return rejection
        return record or str(response.json()["id"])

    def removal_request(self, credential: Credential, record: str) -> Request:
        return self._build_canary_request("DELETE", f"/{record}", credential)

    @raises_unreadable
    def parse_removal(self, response: Response) -> str | Outcome:
        rejection = None if response.status == NOT_FOUND else find_rejection(response)
        return rejection or GONE

    def find_mark(self, type: str, data: Mapping[str, Any]) -> str:
        record = data.get("record")
        mark = record.get(MARK_FIELD) if isinstance(record, Mapping) else ""
        return mark if isinstance(mark, str) else ""

    def _build_canary_request(
        self, method: str, path: str, credential: Credential, body: Mapping[str, str] | None = None
    ) -> Request:
        return Request(
            method,
            f"{base_url(credential)}/services/data/{API_VERSION}/sobjects/{self.object}{path}",
            json=body,
            bearer=credential.access_token,
            spends=((ORG, 1),),
        )


CANARIES = {
    "lead": SalesforceCanary(
        "Lead",
        {"LastName": MARK_PREFIX, "Company": "Integration Hub"},
        _(
            "The hub creates one lead named “Integration Hub check” in Salesforce, and changes its "
            "description at this interval. Where a route takes new leads, it replaces the lead "
            "each week. It deletes the lead when you switch this off or disconnect."
        ),
    ),
    "account": SalesforceCanary(
        "Account",
        {"Name": MARK_PREFIX},
        _(
            "The hub creates one account named “Integration Hub check” in Salesforce, and changes "
            "its description at this interval. Where a route takes new accounts, it replaces the "
            "account each week. It deletes the account when you switch this off or disconnect."
        ),
    ),
}
NO_CANARY = {
    "opportunity": _("An opportunity in Salesforce counts in forecasts, so the hub makes none."),
    "order": _("An order in Salesforce needs an account and a contract, so the hub makes none."),
}
