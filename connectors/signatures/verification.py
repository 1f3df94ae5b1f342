"""Verify that a request comes from its provider, over its raw bytes and in constant time."""

import hmac
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from connectors.signatures.digests import compute_hmac, decode_signature, signature_pattern
from connectors.signatures.keys import Key, Secret, decode_keys
from connectors.signatures.request_values import check_timestamp, read_id, read_signature_values
from connectors.signatures.schemes import (
    Ed25519Scheme,
    HmacScheme,
    Scheme,
    SharedSecretScheme,
    choose_scheme,
)
from connectors.signatures.shared_secrets import match_shared_secret
from connectors.signatures.signed_content import build_signed_contents
from connectors.signatures.verdicts import Cause, SignatureRejection, Verdict
from connectors.webhook_request import WebhookRequest


def verify(
    scheme: Scheme, request: WebhookRequest, secrets: Sequence[Secret], now: float
) -> Verdict:
    """Return whether one of the secrets authenticates the request; never raises.

    `now`: Unix seconds. Without a secret nothing is authentic. Several secrets are active while
    one replaces another; all of them are tried, whichever matches.
    """
    try:
        key = _find_matching_key(scheme, request, secrets, now)
    except SignatureRejection as rejection:
        return Verdict(is_valid=False, cause=rejection.cause)
    return Verdict(is_valid=True, secret_index=key.index)


def _find_matching_key(
    scheme: Scheme, request: WebhookRequest, secrets: Sequence[Secret], now: float
) -> Key:
    """Return the key that made the signature. Raises SignatureRejection."""
    scheme = choose_scheme(scheme, request)
    if request.method not in scheme.methods:
        raise SignatureRejection(Cause.WRONG_METHOD)
    if len(request.body) > scheme.body_bytes_max:
        raise SignatureRejection(Cause.BODY_TOO_LARGE)
    if isinstance(scheme, SharedSecretScheme):
        matches = match_shared_secret(scheme, request, decode_keys(scheme, secrets))
    else:
        matches = _match_signature(scheme, request, secrets, now)
    if not matches:
        raise SignatureRejection(Cause.WRONG_SECRET)
    return matches[0]


def _match_signature(
    scheme: HmacScheme | Ed25519Scheme,
    request: WebhookRequest,
    secrets: Sequence[Secret],
    now: float,
) -> list[Key]:
    key_id = ""
    if scheme.key_id_header and secrets:
        key_id = read_id(request, scheme.key_id_header, malformed=Cause.MALFORMED_KEY_ID)
    keys = decode_keys(scheme, secrets, key_id=key_id)
    values = read_signature_values(scheme, request, pattern=signature_pattern(scheme))
    check_timestamp(scheme, values.timestamp, now=now)
    contents = build_signed_contents(
        scheme.signed,
        request,
        id=values.id,
        timestamp=values.timestamp,
        port_variants=isinstance(scheme, HmacScheme) and scheme.port_variants,
    )
    if isinstance(scheme, HmacScheme):
        return _match_hmac(scheme, keys, contents, values.signatures)
    return _match_ed25519(scheme, keys, contents, values.signatures)


def _match_hmac(
    scheme: HmacScheme, keys: list[Key], contents: list[bytes], signatures: tuple[str, ...]
) -> list[Key]:
    """Return the keys that made one of the signatures; all pairs are compared, in constant time."""
    matches = []
    for key in keys:
        expected = [compute_hmac(scheme, key.content, content) for content in contents]
        comparisons = [
            hmac.compare_digest(signature, digest)
            for signature in signatures
            for digest in expected
        ]
        if any(comparisons):
            matches.append(key)
    return matches


def _match_ed25519(
    scheme: Ed25519Scheme, keys: list[Key], contents: list[bytes], signatures: tuple[str, ...]
) -> list[Key]:
    return [
        key
        for key in keys
        if any(
            _is_ed25519_signature(scheme, key, content, signature)
            for signature in signatures
            for content in contents
        )
    ]


def _is_ed25519_signature(scheme: Ed25519Scheme, key: Key, content: bytes, signature: str) -> bool:
    """Return whether the signature is valid; False for a public key of the wrong size."""
    try:
        public_key = Ed25519PublicKey.from_public_bytes(key.content)
        public_key.verify(decode_signature(signature, scheme.encoding), content)
    except (InvalidSignature, ValueError):
        return False
    return True
