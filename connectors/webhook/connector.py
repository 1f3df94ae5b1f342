"""Webhook: the customer's own endpoint, signed after Standard Webhooks 1.0.0."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base import Account, Action, Connector, Credential, Field, Message
from connectors.outcomes import Outcome, delivered, disable, later, never, standing
from connectors.signatures import standard_webhook_headers, whsec_key
from connectors.wire import Request, Response, Scope, retry_after

HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,2046}[\x21-\x7e])?", re.ASCII)
NOT_OURS_TO_SET = {"host", "content-length", "content-type", "transfer-encoding", "connection", "cookie", "expect", "te"}
SLOW_DOWN = {429, 502, 504}  # Standard Webhooks: "the endpoint is overloaded"


def custom_headers(text: str) -> dict[str, str]:
    """The customer's own headers from a JSON object. Raises ValueError with a sentence."""
    try:
        headers = json.loads(text or "{}")
    except ValueError:
        raise ValueError('headers are a JSON object such as {"X-Team": "sales"}') from None
    if not isinstance(headers, dict) or len(headers) > 20:
        raise ValueError("headers are a JSON object of at most 20 names")
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name) or name.lower() in NOT_OURS_TO_SET or name.lower().startswith("webhook-"):
            raise ValueError(f"the header {name[:64]!r} cannot be set")
        if not isinstance(value, str) or not HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} is not printable ASCII of at most 2,048 characters")
    return headers


class Send(Action):
    key = "send"
    label = "Send the event to the endpoint"
    help = "The mapped object is the body, as JSON. An empty mapping sends type, timestamp and data."
    idempotent = True  # webhook-id stays the same over all attempts

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        secrets = [credential.secret["signing_secret"], *credential.secret.get("old_signing_secrets", ())]
        return Request(
            "POST",
            str(credential.settings["url"]),
            body=message.raw,
            headers={
                **custom_headers(str(credential.secret.get("headers", ""))),
                "Content-Type": "application/json",
                **standard_webhook_headers(secrets, id=message.id, at=message.at, body=message.raw),
            },
            spends=((Scope("connection"), 1),),
        )

    def outcome(self, response: Response) -> Outcome:
        if 200 <= response.status < 300:
            return delivered()
        if response.status == 410:
            return disable("gone", "the endpoint answered 410 Gone: it wants no more events")
        if 300 <= response.status < 400:
            return never("redirected", f"the endpoint answered {response.status}; redirects are not followed")
        if response.status in SLOW_DOWN and response.status != 429:
            return later(f"status_{response.status}", after=retry_after(response))
        if response.status in (429, 503):
            return standing(response, pauses=(Scope("connection"),)) or later("unavailable")
        return later(f"status_{response.status}", response.text()[:300], after=retry_after(response))


class Webhook(Connector):
    key = "webhook"
    label = "Webhook"
    summary = "Your own HTTPS endpoint, told of each event with a signed request."
    fields = (
        Field("url", "Endpoint URL", "HTTPS, reachable from the internet", kind="url"),
        Field("signing_secret", "Signing secret", "whsec_ and base64 of 24 to 64 bytes; leave empty to have one made",
              secret=True, required=False),
        Field("headers", "Own headers", 'a JSON object such as {"X-Team": "sales"}', secret=True, required=False,
              kind="json"),
    )  # fmt: skip
    actions = (Send(),)

    def check(self, credential: Credential) -> str:
        try:
            whsec_key(str(credential.secret.get("signing_secret", "")))
            custom_headers(str(credential.secret.get("headers", "")))
        except ValueError as error:
            return str(error)
        return ""

    def probe(self, credential: Credential) -> Request:
        raise NotImplementedError  # a webhook has nothing to ask without effect: the hub sends a test event

    def probed(self, response: Response, credential: Credential) -> Account | Outcome:
        raise NotImplementedError

    def example(self) -> Mapping[str, Any]:
        return {"type": "type", "timestamp": "occurred_at", "data": "data"}
