"""Signatures of webhooks: verify what arrives (`verify`), sign what we send (Standard Webhooks).

A connector states a scheme (HmacScheme, Ed25519Scheme, SharedSecretScheme) or takes one of PRESETS;
a person describes one by `scheme_from_settings`. All of it is pure.
"""

from connectors.signatures.digests import encode_signature
from connectors.signatures.keys import Secret, decode_secret
from connectors.signatures.message_ids import digest_signed_content, find_signed_id
from connectors.signatures.presets import (
    GITHUB,
    PRESETS,
    SHOPIFY,
    SLACK,
    STANDARD_WEBHOOKS,
    STRIPE,
    TWILIO,
)
from connectors.signatures.schemes import (
    MAX_BODY_BYTES,
    MIN_SECRET_BYTES,
    Algorithm,
    Ed25519Scheme,
    Encoding,
    HmacScheme,
    Scheme,
    SchemeError,
    SharedSecretScheme,
)
from connectors.signatures.settings import scheme_from_settings
from connectors.signatures.shared_secrets import is_equal_secret
from connectors.signatures.signing import sign
from connectors.signatures.standard_webhooks import (
    WHSEC_PREFIX,
    decode_signing_key,
    sign_standard_webhook,
    valid_signing_secrets,
)
from connectors.signatures.verdicts import CAUSE_SENTENCES, Cause, Verdict
from connectors.signatures.verification import verify
from connectors.webhook_request import WebhookRequest

__all__ = [
    "Algorithm",
    "CAUSE_SENTENCES",
    "Cause",
    "Ed25519Scheme",
    "Encoding",
    "GITHUB",
    "HmacScheme",
    "MAX_BODY_BYTES",
    "MIN_SECRET_BYTES",
    "PRESETS",
    "SHOPIFY",
    "SLACK",
    "STANDARD_WEBHOOKS",
    "STRIPE",
    "Scheme",
    "SchemeError",
    "Secret",
    "SharedSecretScheme",
    "TWILIO",
    "Verdict",
    "WHSEC_PREFIX",
    "WebhookRequest",
    "decode_secret",
    "decode_signing_key",
    "digest_signed_content",
    "encode_signature",
    "find_signed_id",
    "is_equal_secret",
    "scheme_from_settings",
    "sign",
    "sign_standard_webhook",
    "valid_signing_secrets",
    "verify",
]
