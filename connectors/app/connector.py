"""App: our own application, a system like any other, signed after Standard Webhooks 1.0.0."""

from datetime import datetime

from connectors.app.actions import (
    CreateCustomer,
    CreateLabel,
    CreateOrder,
    DeleteOrder,
    SendEvent,
    SubmitQuestion,
    UpdateOrder,
)
from connectors.app.collections import COLLECTIONS
from connectors.app.directory import AppDirectory
from connectors.app.requests import CALLS, REQUESTS, SPENDS, sign_request
from connectors.base import Connector
from connectors.http import InFlight, Rate, Request, Response
from connectors.i18n import _
from connectors.outcomes import Outcome, outcome_of_status
from connectors.schema import Account, Credential, Field
from connectors.signatures import decode_signing_key


class App(Connector):
    key = "app"
    label = "Our application"
    summary = _("Our own application. It is notified of events in the systems of its tenants.")
    fields = (
        Field(
            "signing_secret",
            _("Signing secret"),
            _(
                "whsec_ followed by 24 to 64 bytes in base64, also known to the "
                "application. Leave empty to generate one."
            ),
            secret=True,
            required=False,
        ),
    )
    urls = {"api": "https://app.example.com/hub"}
    actions = (
        SendEvent(),
        CreateLabel(),
        SubmitQuestion(),
        CreateCustomer(),
        CreateOrder(),
        UpdateOrder(),
        DeleteOrder(),
    )
    collections = COLLECTIONS
    directory = AppDirectory()
    # for all tenants together
    quotas = {"app:calls": InFlight(16), "app:requests": Rate(200, 1.0)}
    in_flight = 16
    is_for_platform = True

    def find_credential_problem(self, credential: Credential) -> str:
        try:
            decode_signing_key(str(credential.secret.get("signing_secret", "")))
        except ValueError as error:
            return str(error)
        return ""

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        """Build a signed request for the application's health."""
        headers = sign_request(credential, id=f"health_{int(at.timestamp() * 1000)}", at=at)
        return Request("GET", f"{credential.urls['api']}/health", headers=headers, spends=SPENDS)

    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        return outcome_of_status(response, pauses=(CALLS, REQUESTS)) or Account(
            id=self.key, name=self.label
        )
