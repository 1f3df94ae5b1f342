"""The id of a message, from what its signature covers: whoever repeats it can change the rest."""

import hashlib

from connectors.signatures.digests import signature_pattern
from connectors.signatures.request_values import read_signature_values
from connectors.signatures.schemes import (
    Scheme,
    SharedSecretScheme,
    SignatureScheme,
    choose_scheme,
)
from connectors.signatures.signed_content import read_form_content, template_fields
from connectors.signatures.verdicts import SignatureRejection
from connectors.webhook_request import WebhookRequest


def find_signed_id(scheme: Scheme, request: WebhookRequest) -> str:
    """Return the id that the sender has signed; "" if there is none. Never raises."""
    scheme = choose_scheme(scheme, request)
    if isinstance(scheme, SharedSecretScheme) or not scheme.id_header:
        return ""
    return next(iter(request.header_values(scheme.id_header)), "")


def digest_signed_content(scheme: Scheme, request: WebhookRequest) -> str:
    """Return the SHA-256 of what the scheme signs, without the time of an attempt. Never raises.

    A shared secret signs nothing, so the query and the body count as they are.
    """
    scheme = choose_scheme(scheme, request)
    if isinstance(scheme, SharedSecretScheme):
        parts = [request.query.encode(errors="surrogatepass"), request.body]
    else:
        fields = template_fields(scheme.signed)
        address = request.url if "url" in fields else ""
        method = request.method if "method" in fields else ""
        time = _read_event_time(scheme, request)
        head = "".join((time, method, address)).encode(errors="surrogatepass")
        parts = [head, request.body if "body" in fields else _read_form(request)]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def _read_form(request: WebhookRequest) -> bytes:
    try:
        return read_form_content(request) or request.body
    except SignatureRejection:
        return request.body


def _read_event_time(scheme: SignatureScheme, request: WebhookRequest) -> str:
    """Return the signed time if it is the event's, otherwise ""."""
    if scheme.timestamp_of != "event":
        return ""
    try:
        pattern = signature_pattern(scheme)
        return read_signature_values(scheme, request, pattern=pattern).timestamp
    except SignatureRejection:
        return ""
