"""What is kept of each attempt and of the HTTP call that carried it: redacted before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hub.crypto.redaction import mask_headers, redact_all, redact_excerpt
from hub.outgoing.pump.types import SendResult

MAX_DETAIL = 500  # characters


def attempt_columns(send_results: Sequence[SendResult]) -> dict[str, list[Any]]:
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
        "reason": [outcome.reason[:60] for _, _, outcome in attempts],
        "detail": [
            outcome.detail and redact_excerpt(outcome.detail, MAX_DETAIL, send_result.batch.secrets)
            for send_result, _, outcome in attempts
        ],
        "reference": [outcome.reference[:200] for _, _, outcome in attempts],
        "exchange": [send_result.request.id for send_result, _, _ in attempts],
    }


def exchange_columns(send_results: Sequence[SendResult]) -> dict[str, list[Any]]:
    """Of the answer only what was kept."""
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
        "error": [send_result.error[:60] for send_result in send_results],
    }


@dataclass(slots=True)
class RedactedExchange:
    """What may be kept of an exchange."""

    url: str
    request_body: str
    response_body: str
    request_headers: dict[str, str]
    response_headers: dict[str, str]


def _redact_exchange(send_result: SendResult) -> RedactedExchange:
    """All its texts are looked at together: a look has its price, however little there is to see."""
    http_request, response = send_result.request.http_request, send_result.response
    bodies = [
        request_body.decode("utf-8", "replace")
        for request_body in (http_request.content(), response.body if response else b"")
    ]
    sent_headers, answered_headers = (
        mask_headers(http_request.all_headers()),
        mask_headers(response.headers if response else {}),
    )
    url, request_body, response_body, *values = redact_all(
        [http_request.url, *bodies, *sent_headers.values(), *answered_headers.values()],
        send_result.batch.secrets,
    )
    sent_values, answered_values = values[: len(sent_headers)], values[len(sent_headers) :]
    return RedactedExchange(
        url,
        request_body,
        response_body,
        dict(zip(sent_headers, sent_values, strict=True)),
        dict(zip(answered_headers, answered_values, strict=True)),
    )
