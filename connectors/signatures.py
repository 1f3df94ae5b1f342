"""How webhooks are signed: a few families, described by parameters. Pure; over raw bytes."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

WHSEC = "whsec_"
SECRET_LEAST = 24  # bytes, Standard Webhooks 1.0.0


def whsec_key(secret: str) -> bytes:
    """The key inside `whsec_…` (base64 of 24 to 64 bytes). Raises ValueError with a sentence."""
    try:
        key = base64.b64decode(secret.removeprefix(WHSEC), validate=True)
    except ValueError:
        raise ValueError("a signing secret is whsec_ and base64") from None
    if not SECRET_LEAST <= len(key) <= 64:
        raise ValueError("a signing secret has 24 to 64 bytes")
    return key


def standard_webhook_headers(secrets: Iterable[str], *, id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks 1.0.0; several secrets give several signatures, side by side."""
    stamp = str(int(at.timestamp()))
    signed = b".".join((id.encode(), stamp.encode(), body))
    signatures = (base64.b64encode(hmac.digest(whsec_key(secret), signed, hashlib.sha256)).decode() for secret in secrets)
    return {
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
