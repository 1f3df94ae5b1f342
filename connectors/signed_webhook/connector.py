"""Signed webhook: events from any system that signs its webhooks with an HMAC."""

from connectors.base import Connector
from connectors.i18n import _
from connectors.schema import Credential, DataFlow
from connectors.signatures import SchemeError, Secret, decode_secret
from connectors.signed_webhook.schema import (
    FIELDS,
    SIGNING_SECRET,
    build_scheme,
    find_path_problem,
)
from connectors.signed_webhook.subscriptions import SignedWebhookSubscriptions
from connectors.signed_webhook.webhooks import SignedWebhooks


class SignedWebhook(Connector):
    key = "signed_webhook"
    label = _("Signed webhook")
    summary = _("Events from any system that signs its webhooks.")
    categories = (_("Developers"), _("Automation"))
    synonyms = (
        "incoming webhook",
        "receive",
        "standard webhooks",
        "hmac",
        "github",
        "stripe",
        "shopify",
        "twilio",
    )
    data_flows = (
        DataFlow("out", _("Nothing: this connection only receives.")),
        DataFlow("in", _("The events that you let the other system send, complete.")),
    )
    fields = FIELDS
    webhook_source = SignedWebhooks()
    subscriptions = SignedWebhookSubscriptions()
    has_probe = False
    checks_every = None

    def find_credential_problem(self, credential: Credential) -> str:
        """Return why these settings cannot verify any request, as text; "" if they can."""
        if problem := find_path_problem(credential.settings):
            return problem
        try:
            scheme = build_scheme(credential.settings)
            decode_secret(scheme, Secret(str(credential.secret.get(SIGNING_SECRET) or "")))
        except SchemeError as error:
            return str(error)
        except ValueError as error:
            return f"signing secret: {error}"
        return ""
