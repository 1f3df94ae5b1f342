"""The evidence of attempts and the HTTP exchanges that carried them, redacted before storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hub.crypto.redaction import mask_headers, redact_all, redact_excerpt
from hub.outgoing.pump.types import MAX_DETAIL_LENGTH, SendResult

MAX_REASON_LENGTH, MAX_REFERENCE_LENGTH = 60, 200  # characters


def build_attempt_columns(send_results: Sequence[SendResult]) -> dict[str, list[Any]]:
    """Build the columns of the attempts, one row for each delivery, for a bulk insert."""
    attempts = [
        (send_result, message.delivery, outcome)
        for send_result in send_results
        for message, outcome in zip(send_result.request.messages, send_result.outcomes, strict=True)
    ]
    return {
        "delivery": [delivery.pk for _, delivery, _ in attempts],
        "number": [delivery.attempt_count for _, delivery, _ in attempts],
        "started_at": [send_result.started_at for send_result, _, _ in attempts],
        "milliseconds": [send_result.milliseconds for send_result, _, _ in attempts],
        "outcome": [outcome.kind for _, _, outcome in attempts],
        "reason": [outcome.reason[:MAX_REASON_LENGTH] for _, _, outcome in attempts],
        "detail": [
            outcome.detail
            and redact_excerpt(outcome.detail, MAX_DETAIL_LENGTH, send_result.batch.secrets)
            for send_result, _, outcome in attempts
        ],
        "reference": [outcome.reference[:MAX_REFERENCE_LENGTH] for _, _, outcome in attempts],
        "exchange": [send_result.request.id for send_result, _, _ in attempts],
    }


def build_exchange_columns(send_results: Sequence[SendResult]) -> dict[str, list[Any]]:
    """Build the columns of the exchanges, one row for each request, for a bulk insert."""
    exchanges = [_redact_exchange(send_result) for send_result in send_results]
    return {
        "id": [send_result.request.id for send_result in send_results],
        "at": [send_result.started_at for send_result in send_results],
        "method": [send_result.request.http_request.method for send_result in send_results],
        "url": [exchange.url for exchange in exchanges],
        "request_headers": [exchange.request_headers for exchange in exchanges],
        "request_body": [exchange.request_body.encode() for exchange in exchanges],
        "status": [
            send_result.response and send_result.response.status for send_result in send_results
        ],
        "response_headers": [exchange.response_headers for exchange in exchanges],
        "response_body": [exchange.response_body.encode() for exchange in exchanges],
        "error": [send_result.error[:MAX_REASON_LENGTH] for send_result in send_results],
    }


@dataclass(slots=True)
class RedactedExchange:
    """The texts of an exchange that may be stored."""

    url: str
    request_body: str
    response_body: str
    request_headers: dict[str, str]
    response_headers: dict[str, str]


def _redact_exchange(send_result: SendResult) -> RedactedExchange:
    """Redact all texts of an exchange in one pass, as each pass has a fixed cost."""
    http_request, response = send_result.request.http_request, send_result.response
    bodies = [
        body.decode("utf-8", "replace")
        for body in (http_request.content(), response.body if response else b"")
    ]
    sent_headers = mask_headers(http_request.all_headers())
    received_headers = mask_headers(response.headers if response else {})
    url, request_body, response_body, *values = redact_all(
        [http_request.url, *bodies, *sent_headers.values(), *received_headers.values()],
        send_result.batch.secrets,
    )
    sent_values, received_values = values[: len(sent_headers)], values[len(sent_headers) :]
    return RedactedExchange(
        url,
        request_body,
        response_body,
        dict(zip(sent_headers, sent_values, strict=True)),
        dict(zip(received_headers, received_values, strict=True)),
    )
