"""Sign a request as a provider does: the counterpart of `verify`."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.signatures.digests import compute_hmac, encode_signature
from connectors.signatures.keys import Key, Secret, decode_keys
from connectors.signatures.schemes import Ed25519Scheme, HmacScheme, Scheme, SharedSecretScheme
from connectors.signatures.signed_content import build_signed_contents
from connectors.webhook_request import WebhookRequest


def sign(
    scheme: Scheme, request: WebhookRequest, secrets: Sequence[Secret], now: float, id: str = ""
) -> WebhookRequest:
    """Return the request with its authentication added: one signature for each secret.

    `now`: Unix seconds; `id`: the message's id, for a scheme with an id header. For an
    Ed25519Scheme the secret is the private key, encoded like the public one. Raises
    SignatureRejection without a usable secret.
    """
    keys = decode_keys(scheme, secrets)
    if isinstance(scheme, SharedSecretScheme):
        return _add_shared_secret(scheme, request, keys[0])
    timestamp = _format_timestamp(now, scheme.timestamp_unit)
    content = build_signed_contents(
        scheme.signed, request, id=id, timestamp=timestamp, port_variants=False
    )[0]
    items = [scheme.prefix + _compute_signature(scheme, key, content) for key in keys]
    if scheme.timestamp_element:
        items.insert(0, f"{scheme.timestamp_element}={timestamp}")
    headers = [
        (scheme.id_header, id),
        (scheme.timestamp_header, timestamp),
        (scheme.key_id_header, secrets[keys[0].index].id),
        (scheme.header, scheme.separator.join(items if scheme.separator else items[:1])),
    ]
    return _add_headers(request, *(header for header in headers if header[0]))


def _compute_signature(scheme: HmacScheme | Ed25519Scheme, key: Key, content: bytes) -> str:
    if isinstance(scheme, HmacScheme):
        return compute_hmac(scheme, key.content, content)
    private_key = Ed25519PrivateKey.from_private_bytes(key.content)
    return encode_signature(private_key.sign(content), scheme.encoding)


def _format_timestamp(now: float, unit: str) -> str:
    if unit == "rfc3339":
        return datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z")
    return str(int(now * (1000 if unit == "milliseconds" else 1)))


def _add_shared_secret(
    scheme: SharedSecretScheme, request: WebhookRequest, key: Key
) -> WebhookRequest:
    secret = key.content.decode()
    if scheme.location == "query":
        query = "&".join(part for part in (request.query, urlencode({scheme.name: secret})) if part)
        return replace(request, query=query)
    if scheme.location == "path":
        return replace(request, path=f"{request.path.removesuffix('/')}/{secret}/")
    if scheme.location == "basic":
        return _add_headers(request, ("Authorization", f"Basic {b64encode(key.content).decode()}"))
    return _add_headers(request, (scheme.name, scheme.prefix + secret))


def _add_headers(request: WebhookRequest, *headers: tuple[str, str]) -> WebhookRequest:
    return replace(request, headers=(*request.headers, *headers))
