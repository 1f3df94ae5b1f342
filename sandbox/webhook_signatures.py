"""Standard Webhooks 1.0.0: verify a request with one of several secrets, and sign a message."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

TOLERANCE = 300  # seconds, both directions: what the libraries use


def signature_error(secrets: list[str], headers: Mapping[str, str], body: bytes, at: float) -> str:
    """What is wrong with the signature, in words; empty when it is good."""
    message_id, sent, signatures = (
        headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature")
    )
    if not (message_id and sent and signatures):
        return "not signed"
    if not sent.isascii() or not sent.isdigit():
        return "its timestamp is not a number"
    if abs(at - int(sent)) > TOLERANCE:
        return f"its timestamp is {abs(at - int(sent)):.0f} s off, the limit is {TOLERANCE} s"
    content = f"{message_id}.{sent}.".encode() + body
    expected = [
        base64.b64encode(hmac.digest(decode_secret(secret), content, hashlib.sha256)).decode()
        for secret in secrets
    ]
    received = [entry.partition(",")[2] for entry in signatures.split() if entry.startswith("v1,")]
    matches = [
        hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in received
    ]
    return "" if any(matches) else "no signature matches the secret"


def decode_secret(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return b""


def sign_message(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return an entry of the header `webhook-signature`."""
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(decode_secret(secret), content, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
