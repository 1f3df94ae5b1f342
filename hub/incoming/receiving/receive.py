"""Receive a request at an endpoint's URL: verify it, store it, and build the response."""

from datetime import datetime
from typing import NoReturn
from urllib.parse import unquote_plus

import structlog
from django.db import IntegrityError

from connectors.http import Response
from connectors.outcomes import clean_text
from connectors.registry import CONNECTORS
from connectors.signatures import Cause, SharedSecretScheme, verify
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import clean_id, respond_to_handshake
from hub.crypto.redaction import mask_headers, redact_text
from hub.incoming.models import InboundEndpoint, InboundMessage
from hub.incoming.models.endpoints import hash_endpoint_key
from hub.incoming.receiving.accepted_messages import ReceivedMessage
from hub.incoming.receiving.admission import BACKLOG, RETRY_AFTER
from hub.incoming.receiving.counts import ACCEPTED, DISCONNECTED, SUSPENDED
from hub.incoming.receiving.receiver_cache import CURRENT, MAX_AGE, Receiver, ReceiverCache
from hub.incoming.receiving.storage import store_message
from hub.problems import Problem

log = structlog.get_logger(__name__)

ADDRESS_NOT_ALLOWED = "address_not_allowed"  # the cause of a rejection, beside those of `Cause`
BODY_TOO_LARGE_STATUS, REJECTED_STATUS = 413, 401
MAX_KEY_LENGTH, MAX_QUERY_LENGTH, MAX_HEADER_LENGTH = 200, 2000, 500  # characters

RECEIVERS = ReceiverCache()
REFUSALS = {DISCONNECTED: "endpoint-gone", SUSPENDED: "endpoint-suspended"}  # codes of problems


def receive_webhook(
    connector_key: str, key: str, request: WebhookRequest, *, address: str, now: datetime
) -> Response:
    """Verify a request, store it, and return the response that its system expects.

    Raises Problem: 404 for an unknown URL, 410 for one of a disconnected connection, 403 for one of
    a suspended tenant, 503 for an account with more than half of the backlog. A lost database
    connection raises OperationalError; then nothing was acknowledged.
    """
    receiver = find_receiver(connector_key, key, now=now)
    cause = find_webhook_rejection(receiver, request, address=address, now=now)
    if cause:  # a new secret, network or state may be younger than what was cached
        receiver = find_receiver(connector_key, key, is_current=True, now=now)
        cause = find_webhook_rejection(receiver, request, address=address, now=now)
    if cause in REFUSALS:
        refuse_request(receiver, request, cause, now=now)
    if response := answer_handshake(receiver, request, is_verified=False):
        return response
    if cause:
        return reject_request(receiver, request, cause, now=now)
    if response := answer_handshake(receiver, request, is_verified=True):
        return response
    message = build_message(receiver, request, now=now)
    message_id = receiver.source.message_id(request, receiver.settings)
    message.message_key = clean_id(message_id)
    account = receiver.source.share_key(request)
    message.share_key = InboundMessage.build_share_key(message.endpoint_id, account)
    BACKLOG.refuse_dominant_account(message.share_key)
    message.query = _select_query(receiver, request)
    stored = receiver.source.split_secrets(request)
    if stored.reply:
        message.seal(stored.reply)
    store_request(ReceivedMessage(message, stored.body, ACCEPTED))
    return receiver.source.acknowledgement(request)


def find_receiver(
    connector_key: str, key: str, *, is_current: bool = False, now: datetime
) -> Receiver:
    """Return the receiver of a URL; `is_current`: as the database has it. Raises Problem (404)."""
    receiver = None
    if len(key) <= MAX_KEY_LENGTH and connector_key in CONNECTORS:
        digest, max_age = hash_endpoint_key(key), CURRENT if is_current else MAX_AGE
        receiver = RECEIVERS.get(connector_key, digest, max_age=max_age, now=now)
    if receiver is None:
        raise Problem("not-found")
    return receiver


def store_request(received: ReceivedMessage) -> None:
    """Store a request in one transaction with those of other threads.

    Raises Problem: 404 if its endpoint was deleted; 503 for any other database error, since many
    systems do not repeat a request after a 404.
    """
    try:
        store_message(received)
    except IntegrityError as error:
        if InboundEndpoint.unscoped.filter(pk=received.message.endpoint_id).exists():
            log.exception("incoming.message_refused")
            raise Problem("temporarily-unavailable", headers=RETRY_AFTER) from error
        raise Problem("not-found") from None


def refuse_request(
    receiver: Receiver, request: WebhookRequest, cause: str, *, now: datetime
) -> NoReturn:
    """Count a request that is not read because of the connection's or the tenant's state.

    Raises Problem (410 or 403).
    """
    store_request(ReceivedMessage(build_message(receiver, request, now=now), b"", cause))
    raise Problem(REFUSALS[cause])


def find_refusal(receiver: Receiver) -> str:
    """Return the key in REFUSALS of an endpoint that takes no requests; "" if it takes them."""
    if receiver.is_gone:
        return DISCONNECTED
    return SUSPENDED if receiver.is_suspended else ""


def find_webhook_rejection(
    receiver: Receiver, request: WebhookRequest, *, address: str, now: datetime
) -> str:
    """Return the cause of the request's rejection; "" if it is authentic and is taken."""
    if refusal := find_refusal(receiver):
        return refusal
    if not receiver.allows_address(address):
        return ADDRESS_NOT_ALLOWED
    if len(request.body) > receiver.source.body_bytes_max:
        return Cause.BODY_TOO_LARGE
    return verify(receiver.scheme, request, receiver.secrets, now.timestamp()).cause or ""


def answer_handshake(
    receiver: Receiver, request: WebhookRequest, *, is_verified: bool
) -> Response | None:
    """Return the response to a handshake, None if the request is not a handshake.

    `is_verified`: whether the request is verified; each handshake states whether it must be.
    """
    for handshake in receiver.source.handshakes:
        if handshake.verify_first == is_verified:
            response = respond_to_handshake(handshake, request, receiver.secrets)
            if response is not None:
                return response
    return None


def reject_request(
    receiver: Receiver, request: WebhookRequest, cause: str, *, now: datetime
) -> Response:
    """Store the rejection with its cause and redacted headers, and return the response."""
    message = build_message(receiver, request, now=now)
    message.state, message.cause, message.due_at = "rejected", cause, None
    store_request(ReceivedMessage(message, b"", cause))
    default = BODY_TOO_LARGE_STATUS if cause == Cause.BODY_TOO_LARGE else REJECTED_STATUS
    status = receiver.source.rejection_status.get(cause, default)
    return Response(status, b"", {"content-type": "text/plain"})


def build_message(receiver: Receiver, request: WebhookRequest, *, now: datetime) -> InboundMessage:
    """Build the row of a request, without its content: due at once."""
    endpoint = receiver.endpoint
    return InboundMessage(
        endpoint_id=endpoint.pk,
        connector_key=endpoint.connector_key,
        tenant_id=endpoint.tenant_id,
        connection_id=endpoint.connection_id,
        method=request.method[:8],
        headers=_select_headers(receiver, request),
        size=len(request.body),
        received_at=now,
        due_at=now,
    )


def _select_headers(receiver: Receiver, request: WebhookRequest) -> dict[str, str]:
    """Return the headers that the source stores, by lower-case name, redacted."""
    stored = receiver.source.stored_headers_for(receiver.settings)
    headers = {
        name.lower(): clean_text(value, MAX_HEADER_LENGTH)
        for name, value in request.headers
        if name.lower() in stored
    }
    return mask_headers(headers)


def _select_query(receiver: Receiver, request: WebhookRequest) -> str:
    """Return the redacted query without the parameter that contains the scheme's secret."""
    query, scheme = request.query, receiver.scheme
    if isinstance(scheme, SharedSecretScheme) and scheme.location == "query":
        pairs = (pair for pair in query.split("&") if unquote_plus(_get_name(pair)) != scheme.name)
        query = "&".join(pairs)
    return clean_text(redact_text(f"?{query}")[1:], MAX_QUERY_LENGTH)


def _get_name(pair: str) -> str:
    return pair.partition("=")[0]
