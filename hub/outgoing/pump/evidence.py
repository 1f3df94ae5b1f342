"""What is kept of each attempt and of the HTTP call that carried it: redacted before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hub.outgoing.pump.parcels import Journey
from hub.redaction import mask_headers, redact_all, redact_excerpt

SAYS_MOST = 500  # characters


def attempt_columns(journeys: Sequence[Journey]) -> dict[str, list[Any]]:
    tries = [
        (journey, parcel.delivery, outcome)
        for journey in journeys
        for parcel, outcome in zip(journey.carriage.parcels, journey.outcomes, strict=True)
    ]
    return {
        "delivery": [delivery.pk for _, delivery, _ in tries],
        "number": [delivery.attempt_count for _, delivery, _ in tries],
        "started_at": [journey.started_at for journey, _, _ in tries],
        "milliseconds": [journey.milliseconds for journey, _, _ in tries],
        "outcome": [outcome.kind for _, _, outcome in tries],
        "reason": [outcome.reason[:60] for _, _, outcome in tries],
        "detail": [
            outcome.detail and redact_excerpt(outcome.detail, SAYS_MOST, journey.load.secrets)
            for journey, _, outcome in tries
        ],
        "reference": [outcome.reference[:200] for _, _, outcome in tries],
        "exchange": [journey.carriage.id for journey, _, _ in tries],
    }


def exchange_columns(journeys: Sequence[Journey]) -> dict[str, list[Any]]:
    """Of the answer only what was kept."""
    seen = [shown(journey) for journey in journeys]
    return {
        "id": [journey.carriage.id for journey in journeys],
        "at": [journey.started_at for journey in journeys],
        "method": [journey.carriage.request.method for journey in journeys],
        "url": [exchange.url for exchange in seen],
        "request_headers": [exchange.request_headers for exchange in seen],
        "request_body": [exchange.request_body.encode() for exchange in seen],
        "status": [journey.response and journey.response.status for journey in journeys],
        "response_headers": [exchange.response_headers for exchange in seen],
        "response_body": [exchange.response_body.encode() for exchange in seen],
        "error": [journey.error[:60] for journey in journeys],
    }


@dataclass(slots=True)
class Shown:
    """What may be kept of an exchange."""

    url: str
    request_body: str
    response_body: str
    request_headers: dict[str, str]
    response_headers: dict[str, str]


def shown(journey: Journey) -> Shown:
    """All its texts are looked at together: a look has its price, however little there is to see."""
    request, response = journey.carriage.request, journey.response
    bodies = [body.decode("utf-8", "replace") for body in (request.content(), response.body if response else b"")]
    sent, answered = mask_headers(request.all_headers()), mask_headers(response.headers if response else {})
    url, body, answer, *values = redact_all(
        [request.url, *bodies, *sent.values(), *answered.values()], journey.load.secrets
    )
    told, heard = values[: len(sent)], values[len(sent) :]
    return Shown(url, body, answer, dict(zip(sent, told, strict=True)), dict(zip(answered, heard, strict=True)))
