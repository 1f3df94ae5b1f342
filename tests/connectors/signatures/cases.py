"""Cases of verification, and the cause of a rejection."""

import hmac

from connectors.signatures import Cause, WebhookRequest, verify
from tests.connectors.signatures.requests import BODY, NOW, TEXT_SECRET, URL

POST = WebhookRequest("POST", URL, BODY)
STAMP = str(int(NOW))


def cause_of(scheme, request, secret=TEXT_SECRET, now=NOW):
    return verify(scheme, request, [secret], now).cause


def github_digest(content=BODY, key=TEXT_SECRET.value, algorithm="sha256"):
    return hmac.new(key.encode(), content, algorithm).hexdigest()


MALFORMED = {
    Cause.MALFORMED_SIGNATURE,
    Cause.MALFORMED_TIMESTAMP,
    Cause.MALFORMED_ID,
    Cause.MALFORMED_KEY_ID,
}
