"""Webhook: the customer's own endpoint, signed after Standard Webhooks 1.0.0."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.base import Connector
from connectors.http import Quota, Rate, Request, Response, Scope, dump_json
from connectors.i18n import _
from connectors.outcomes import Outcome
from connectors.schema import Account, Credential, DataFlow, Field
from connectors.signatures import decode_signing_key
from connectors.webhook.actions import Send, build_own_limit_scopes, build_signed_post
from connectors.webhook.schema import parse_custom_headers

MAX_CALLS_PER_SECOND = 1000  # calls a second that a customer may allow


class Webhook(Connector):
    key = "webhook"
    label = "Webhook"
    summary = _("Your own HTTPS endpoint. It receives each event as a signed request.")
    categories = (_("Developers"), _("Automation"))
    synonyms = ("http", "callback", "endpoint", "api", "custom", "zapier", "make", "n8n")
    data_flows = (
        DataFlow(
            "out",
            _(
                "The events that your routes select, as JSON, signed so that you can "
                "verify the sender."
            ),
        ),
        DataFlow("in", _("Only the response of your endpoint, which confirms the delivery.")),
    )
    fields = (
        Field(
            "url",
            _("Endpoint URL"),
            _("An HTTPS address that is reachable from the internet."),
            kind="url",
        ),
        Field(
            "signing_secret",
            _("Signing secret"),
            _("whsec_ followed by 24 to 64 bytes in base64. Leave empty to generate one."),
            secret=True,
            required=False,
        ),
        Field(
            "headers",
            _("Custom headers"),
            _('A JSON object such as {"X-Team": "sales"}. Authorization must be Basic or Bearer.'),
            secret=True,
            required=False,
            kind="json",
        ),
        Field(
            "calls_a_second",
            _("Maximum calls per second"),
            _("Leave empty to send as fast as your endpoint responds."),
            required=False,
            kind="number",
            maximum=MAX_CALLS_PER_SECOND,
        ),
    )
    actions = (Send(),)
    is_own_endpoint = True
    # a ping would be a call of the customer's endpoint: deliveries and the breaker suffice
    checks_every = None
    unlimited_reasons = {
        "connection": "customer endpoint; limited by calls in flight and by its own responses"
    }

    def connection_limits(self, settings: Mapping[str, Any]) -> tuple[Scope, ...]:
        return build_own_limit_scopes(settings)

    def quota(self, scope: Scope) -> Quota | None:
        is_own_limit = scope.kind == "connection" and scope.name.isdecimal()
        return Rate(int(scope.name), 1.0) if is_own_limit else super().quota(scope)

    def find_credential_problem(self, credential: Credential) -> str:
        try:
            decode_signing_key(str(credential.secret.get("signing_secret", "")))
            parse_custom_headers(str(credential.secret.get("headers", "")))
            return (
                ""
                if urlsplit(str(credential.settings.get("url", ""))).hostname
                else "the endpoint URL has no host"
            )
        except ValueError as error:
            return str(error)

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        """Build a signed ping; the endpoint answers it with 2xx like any event."""
        body = dump_json({"type": "ping", "timestamp": at.isoformat(), "data": {}})
        return build_signed_post(
            credential, id=f"ping_{int(at.timestamp() * 1000)}", at=at, body=body
        )

    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        outcome = self.action("send").outcome(response)
        host = urlsplit(str(credential.settings["url"])).hostname or ""
        return Account(id="", name=host) if outcome.kind == "delivered" else outcome
