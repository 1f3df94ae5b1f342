"""Requests of providers: documented ones, and signed ones for every kind of scheme."""

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.signatures import (
    GITHUB,
    SHOPIFY,
    SLACK,
    STANDARD_WEBHOOKS,
    STRIPE,
    TWILIO,
    Ed25519Scheme,
    HmacScheme,
    Scheme,
    Secret,
    SharedSecretScheme,
    WebhookRequest,
    sign,
)

URL = "https://hub.example/hooks/shop/k3y/?foo=1&bar=2"
NOW = 1_764_243_000.0
BODY = '{"type":"order.created","name":"Zoë","total":"12.50"}'.encode()
TEXT_SECRET = Secret("a-secret-of-32-characters-0123456")
OTHER_TEXT_SECRET = Secret("another-secret-of-32-characters-")
WHSEC_SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
SEED = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
PUBLIC_KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SEED)).public_key()

DISCORD = Ed25519Scheme(
    header="X-Signature-Ed25519",
    signed="{timestamp}{body}",
    timestamp_header="X-Signature-Timestamp",
)
ZENDESK = HmacScheme(
    header="X-Zendesk-Webhook-Signature",
    signed="{timestamp}{body}",
    encoding="base64",
    timestamp_header="X-Zendesk-Webhook-Signature-Timestamp",
    timestamp_unit="rfc3339",
)
HUBSPOT = HmacScheme(
    header="X-HubSpot-Signature-v3",
    signed="{method}{url}{body}{timestamp}",
    encoding="base64",
    timestamp_header="X-HubSpot-Request-Timestamp",
    timestamp_unit="milliseconds",
)
PADDLE = HmacScheme(
    header="Paddle-Signature",
    signed="{timestamp}:{body}",
    prefix="h1=",
    separator=";",
    timestamp_element="ts",
)
TWITCH = HmacScheme(
    header="Twitch-Eventsub-Message-Signature",
    signed="{id}{timestamp}{body}",
    prefix="sha256=",
    timestamp_header="Twitch-Eventsub-Message-Timestamp",
    timestamp_unit="rfc3339",
    id_header="Twitch-Eventsub-Message-Id",
)
KEYED = HmacScheme(header="X-Signature", key_id_header="X-Key-Id", algorithm="sha512")


@dataclass(frozen=True)
class Case:
    """A scheme, an authentic request, and the secret that it is verified with."""

    scheme: Scheme
    request: WebhookRequest
    secret: Secret


def make_case(scheme: Scheme, *, body: bytes = BODY, headers=(), id: str = "msg_1") -> Case:
    secret = TEXT_SECRET
    if scheme is STANDARD_WEBHOOKS:
        secret = WHSEC_SECRET
    if getattr(scheme, "key_id_header", ""):
        secret = replace(secret, id="key-1")
    if getattr(scheme, "location", "") == "basic":
        secret = Secret("hub:" + TEXT_SECRET.value)
    signing_secret = secret
    if isinstance(scheme, Ed25519Scheme):
        secret, signing_secret = Secret(PUBLIC_KEY.public_bytes_raw().hex()), Secret(SEED)
    request = WebhookRequest("POST", URL, body, headers, path="/hooks/shop", query="foo=1&bar=2")
    return Case(scheme, sign(scheme, request, [signing_secret], NOW, id), secret)


FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
FORM_BODY = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&To=%2B18005551212"

SIGNED = {
    "slack": make_case(SLACK),
    "standard webhooks": make_case(STANDARD_WEBHOOKS),
    "github": make_case(GITHUB),
    "stripe": make_case(STRIPE),
    "shopify": make_case(SHOPIFY),
    "zendesk": make_case(ZENDESK),
    "hubspot": make_case(HUBSPOT),
    "paddle": make_case(PADDLE),
    "twitch": make_case(TWITCH),
    "key id": make_case(KEYED),
    "discord": make_case(DISCORD),
}
FORMS = {"twilio": make_case(TWILIO, body=FORM_BODY, headers=FORM)}
SHARED = {
    "header": make_case(SharedSecretScheme(location="header", name="X-Gitlab-Token")),
    "bearer": make_case(
        SharedSecretScheme(location="header", name="Authorization", prefix="Bearer ")
    ),
    "query": make_case(SharedSecretScheme(location="query", name="hook.token")),
    "path": make_case(SharedSecretScheme(location="path")),
    "basic": make_case(SharedSecretScheme(location="basic")),
}
ALL = SIGNED | FORMS | SHARED


def replace_header(request: WebhookRequest, name: str, *values: str) -> WebhookRequest:
    """Return the request with these values of a header instead of its own."""
    others = tuple(pair for pair in request.headers if pair[0].lower() != name.lower())
    return replace(request, headers=(*others, *((name, value) for value in values)))
