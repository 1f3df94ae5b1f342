"""App: our own application, a system like any other, signed after Standard Webhooks 1.0.0."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from connectors.base import Action, Connector
from connectors.http import InFlight, Rate, Request, Response, Scope, dump_json
from connectors.i18n import _
from connectors.outcomes import Outcome, delivered, outcome_of_status
from connectors.schema import Account, Credential, Field, Input, Message
from connectors.signatures import decode_signing_key, sign_standard_webhook, valid_signing_secrets

CALLS = Scope("app", "calls")
REQUESTS = Scope("app", "requests")
SPENDS = ((CALLS, 1), (REQUESTS, 1))
WHOLE_EVENT = {"type": "type", "timestamp": "occurred_at", "data": "data"}


class SendEvent(Action):
    key = "send_event"
    label = _("Tell our application of the event")
    help = "Without a mapping: type, timestamp and data. The hub adds the tenant."
    inputs = (
        Input("type", _("Type"), "What happened, such as order.created.", required=True),
        Input("timestamp", _("Time"), "When it happened, in ISO 8601."),
        Input("data", _("Data"), "An object with the facts.", required=True),
    )
    example = WHOLE_EVENT
    default = WHOLE_EVENT
    permissions = {
        "the signing secret": "so that our application can tell the hub's requests from anybody else's"
    }
    idempotent = True  # webhook-id stays the same over all attempts

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        body = dump_json({**message.body, "tenant": message.tenant})
        secrets = valid_signing_secrets(credential.secret, at=message.at)
        return Request(
            "POST",
            f"{credential.urls['api']}/events",
            body=body,
            headers={
                "Content-Type": "application/json",
                "Hub-Tenant": quote(message.tenant, safe=":@"),
                **sign_standard_webhook(secrets, id=message.id, at=message.at, body=body),
            },
            spends=SPENDS,
        )

    def outcome(self, response: Response) -> Outcome:
        return outcome_of_status(response, pauses=(CALLS, REQUESTS)) or delivered()


class App(Connector):
    key = "app"
    label = "Our application"
    summary = _("Our own application, told of what happens in the systems of its tenants.")
    fields = (
        Field(
            "signing_secret",
            _("Signing secret"),
            _(
                "whsec_ and the base64 of 24 to 64 bytes, known to the application too. Leave it empty to have one "
                "made."
            ),
            secret=True,
            required=False,
        ),
    )
    urls = {"api": "https://app.example.com/hub"}
    actions = (SendEvent(),)
    quotas = {
        "app:calls": InFlight(16),
        "app:requests": Rate(200, 1.0),
    }  # over all tenants: no surge floods it
    in_flight = 16
    platform = True

    def check(self, credential: Credential) -> str:
        try:
            decode_signing_key(str(credential.secret.get("signing_secret", "")))
        except ValueError as error:
            return str(error)
        return ""

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        """The application's health, asked with a signature that it may verify."""
        secrets = valid_signing_secrets(credential.secret, at=at)
        headers = sign_standard_webhook(
            secrets, id=f"health_{int(at.timestamp() * 1000)}", at=at, body=b""
        )
        return Request("GET", f"{credential.urls['api']}/health", headers=headers, spends=SPENDS)

    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        return outcome_of_status(response, pauses=(CALLS, REQUESTS)) or Account(
            id=self.key, name=self.label
        )
