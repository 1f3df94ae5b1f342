"""Sign webhooks after Standard Webhooks 1.0.0, over raw bytes. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

WHSEC_PREFIX = "whsec_"
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64  # bytes, Standard Webhooks 1.0.0


def decode_signing_key(secret: str) -> bytes:
    """Return the key in `whsec_…` (base64 of 24 to 64 bytes). Raises ValueError with a text."""
    try:
        key = base64.b64decode(secret.removeprefix(WHSEC_PREFIX), validate=True)
    except ValueError:
        raise ValueError("a signing secret must be whsec_ followed by base64") from None
    if not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ValueError("a signing secret must have 24 to 64 bytes")
    return key


def valid_signing_secrets(document: Mapping[str, Any], *, at: datetime) -> list[str]:
    """List the current signing secret, then the old ones that are valid at `at`.

    The document lists old secrets as `{"secret", "until"}`, with `until` in ISO 8601.
    """
    old_secrets = document.get("old_signing_secrets") or ()
    return [
        document["signing_secret"],
        *(
            old_secret["secret"]
            for old_secret in old_secrets
            if at < datetime.fromisoformat(old_secret["until"])
        ),
    ]


def sign_standard_webhook(
    secrets: Iterable[str], *, id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """Return the three headers of Standard Webhooks 1.0.0, one signature for each secret."""
    stamp = str(int(at.timestamp()))
    return {
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(
            _build_signature(secret, id, stamp, body) for secret in secrets
        ),
    }


def _build_signature(secret: str, id: str, stamp: str, body: bytes) -> str:
    signed = b".".join((id.encode(), stamp.encode(), body))
    return (
        "v1,"
        + base64.b64encode(hmac.digest(decode_signing_key(secret), signed, hashlib.sha256)).decode()
    )
