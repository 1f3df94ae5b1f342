"""The schemes of known providers, by name."""

from collections.abc import Mapping
from dataclasses import replace

from connectors.signatures.schemes import HmacScheme

# https://docs.slack.dev/authentication/verifying-requests-from-slack (2026-11)
SLACK = HmacScheme(
    header="X-Slack-Signature",
    signed="v0:{timestamp}:{body}",
    prefix="v0=",
    timestamp_header="X-Slack-Request-Timestamp",
)

# Standard Webhooks under the names of Svix, its origin
# (https://docs.svix.com/receiving/verifying-payloads/how-manual, 2026-11)
SVIX = HmacScheme(
    header="svix-signature",
    signed="{id}.{timestamp}.{body}",
    encoding="base64",
    prefix="v1,",
    separator=" ",
    timestamp_header="svix-timestamp",
    id_header="svix-id",
    secret_encoding="base64",
    secret_prefix="whsec_",
    secret_bytes_min=24,
)

# Standard Webhooks 1.0.0: secrets of 24 to 64 bytes; signatures other than v1 are ignored
STANDARD_WEBHOOKS = replace(
    SVIX,
    header="webhook-signature",
    timestamp_header="webhook-timestamp",
    id_header="webhook-id",
    alternative=SVIX,
)

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries (2026-11)
GITHUB = HmacScheme(header="X-Hub-Signature-256", prefix="sha256=")

# https://docs.stripe.com/webhooks/signature (2026-11): the secret is used with its prefix whsec_
STRIPE = HmacScheme(
    header="Stripe-Signature",
    signed="{timestamp}.{body}",
    prefix="v1=",
    separator=",",
    timestamp_element="t",
)

# https://shopify.dev/docs/apps/build/webhooks/subscribe/https (2026-11)
SHOPIFY = HmacScheme(header="X-Shopify-Hmac-Sha256", encoding="base64")

# https://www.twilio.com/docs/usage/webhooks/webhooks-security (2026-11)
TWILIO = HmacScheme(
    algorithm="sha1",
    header="X-Twilio-Signature",
    signed="{url}{form}",
    encoding="base64",
    port_variants=True,
    methods=("POST", "GET"),
)

PRESETS: Mapping[str, HmacScheme] = {
    "standard_webhooks": STANDARD_WEBHOOKS,
    "github": GITHUB,
    "stripe": STRIPE,
    "shopify": SHOPIFY,
    "slack": SLACK,
    "twilio": TWILIO,
}
