"""Decide what becomes of a request, in memory: from its receiver to the row and the response."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus

from connectors.http import Response
from connectors.outcomes import clean_text
from connectors.signatures import Cause, SharedSecretScheme, verify
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import clean_id, respond_to_handshake
from hub.crypto.redaction import mask_headers, redact_text
from hub.incoming.models import InboundMessage
from hub.incoming.receiving.accepted_messages import ReceivedMessage
from hub.incoming.receiving.admission import BACKLOG
from hub.incoming.receiving.counts import ACCEPTED, DISCONNECTED, SUSPENDED
from hub.incoming.receiving.receiver_cache import Receiver
from hub.problems import Problem

ADDRESS_NOT_ALLOWED = "address_not_allowed"  # the cause of a rejection, beside those of `Cause`
BODY_TOO_LARGE_STATUS, REJECTED_STATUS = 413, 401
MAX_QUERY_LENGTH, MAX_HEADER_LENGTH = 2000, 500  # characters
REFUSALS = {DISCONNECTED: "endpoint-gone", SUSPENDED: "endpoint-suspended"}  # codes of problems


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request at an endpoint's URL, with its sender's address and the time of its arrival.

    `size`: bytes of its body, more than there are if it was too large to be read.
    """

    request: WebhookRequest
    address: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a request: `stored` is stored, then `answer` is given or raised.

    `cause`: why it was not accepted; "" otherwise.
    """

    answer: Response | Problem
    stored: ReceivedMessage | None = None
    cause: str = ""

    def get_response(self) -> Response:
        """Return the response. Raises Problem."""
        if isinstance(self.answer, Problem):
            raise self.answer
        return self.answer


def decide(receiver: Receiver, received: ReceivedRequest) -> Decision:
    """Verify a request, and build what is stored of it and the response that its system expects.

    Raises Problem: 503 for a tenant or account with more than half of the backlog.
    """
    request = received.request
    cause = find_rejection(receiver, received)
    if cause in REFUSALS:
        counted = ReceivedMessage(build_message(receiver, received), b"", cause)
        return Decision(Problem(REFUSALS[cause]), counted, cause)
    if response := answer_handshake(receiver, request, is_verified=False):
        return Decision(response)
    if cause:
        return reject(receiver, received, cause)
    if response := answer_handshake(receiver, request, is_verified=True):
        return Decision(response)
    message = build_message(receiver, received)
    message_id = receiver.source.message_id(request, receiver.settings)
    message.message_key = clean_id(message_id)
    account = receiver.source.share_key(request)
    message.share_key = InboundMessage.build_share_key(message.endpoint_id, account)
    BACKLOG.refuse_dominant(message)
    message.query = _select_query(receiver, request)
    stored = receiver.source.split_secrets(request)
    if stored.reply:
        message.seal(stored.reply)
    acknowledgement = receiver.source.acknowledgement(request)
    return Decision(acknowledgement, ReceivedMessage(message, stored.body, ACCEPTED))


def find_rejection(receiver: Receiver, received: ReceivedRequest) -> str:
    """Return the cause of a request's rejection; "" if it is authentic and is taken."""
    if refusal := find_refusal(receiver):
        return refusal
    if not receiver.allows_address(received.address):
        return ADDRESS_NOT_ALLOWED
    if received.size > receiver.source.body_bytes_max:
        return Cause.BODY_TOO_LARGE
    request, now = received.request, received.at.timestamp()
    return verify(receiver.scheme, request, receiver.secrets, now).cause or ""


def find_refusal(receiver: Receiver) -> str:
    """Return the key in REFUSALS of an endpoint that takes no requests; "" if it takes them."""
    if receiver.is_gone:
        return DISCONNECTED
    return SUSPENDED if receiver.is_suspended else ""


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


def reject(receiver: Receiver, received: ReceivedRequest, cause: str) -> Decision:
    """Decide to store the rejection, with its cause and redacted headers."""
    message = build_message(receiver, received)
    message.state, message.cause, message.due_at = "rejected", cause, None
    default = BODY_TOO_LARGE_STATUS if cause == Cause.BODY_TOO_LARGE else REJECTED_STATUS
    status = receiver.source.rejection_status.get(cause, default)
    response = Response(status, b"", {"content-type": "text/plain"})
    return Decision(response, ReceivedMessage(message, b"", cause), cause)


def build_message(receiver: Receiver, received: ReceivedRequest) -> InboundMessage:
    """Build the row of a request, without its content: due at once."""
    endpoint = receiver.endpoint
    return InboundMessage(
        endpoint_id=endpoint.pk,
        connector_key=endpoint.connector_key,
        tenant_id=endpoint.tenant_id,
        connection_id=endpoint.connection_id,
        method=received.request.method[:8],
        headers=_select_headers(receiver, received.request),
        size=received.size,
        received_at=received.at,
        due_at=received.at,
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
