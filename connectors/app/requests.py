"""Requests of our own application's API, signed after Standard Webhooks 1.0.0."""

from datetime import datetime

from connectors.http import Scope
from connectors.schema import Credential
from connectors.signatures import sign_standard_webhook, valid_signing_secrets

CALLS = Scope("app", "calls")
REQUESTS = Scope("app", "requests")
SPENDS = ((CALLS, 1), (REQUESTS, 1))


def sign_request(
    credential: Credential, *, id: str, at: datetime, body: bytes = b""
) -> dict[str, str]:
    """Return the headers that prove that the request comes from the hub."""
    secrets = valid_signing_secrets(credential.secret, at=at)
    return dict(sign_standard_webhook(secrets, id=id, at=at, body=body))
