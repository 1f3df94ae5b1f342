"""What is kept of each attempt and of the HTTP call that carried it: redacted before it is written."""

from collections.abc import Sequence

from hub import rows
from hub.outgoing.models import Attempt, Exchange
from hub.outgoing.pump.parcels import Journey
from hub.redaction import redact_all, redact_headers, redact_text


def keep_attempts(journeys: Sequence[Journey]) -> None:
    tries = [
        (journey, parcel.delivery, outcome)
        for journey in journeys
        for parcel, outcome in zip(journey.carriage.parcels, journey.outcomes, strict=True)
    ]
    columns = {
        "delivery": [delivery.pk for _, delivery, _ in tries],
        "number": [delivery.attempts for _, delivery, _ in tries],
        "started_at": [journey.started_at for journey, _, _ in tries],
        "milliseconds": [journey.milliseconds for journey, _, _ in tries],
        "outcome": [outcome.kind for _, _, outcome in tries],
        "reason": [outcome.reason[:60] for _, _, outcome in tries],
        "says": [
            outcome.says and redact_text(outcome.says, journey.load.secrets)[:500] for journey, _, outcome in tries
        ],
        "reference": [outcome.reference[:200] for _, _, outcome in tries],
        "exchange": [journey.carriage.id for journey, _, _ in tries],
    }
    rows.insert(Attempt, columns)


def keep_exchanges(journeys: Sequence[Journey]) -> None:
    """Of the answer only what was kept."""
    texts = [shown(journey) for journey in journeys]
    columns = {
        "id": [journey.carriage.id for journey in journeys],
        "at": [journey.started_at for journey in journeys],
        "method": [journey.carriage.request.method for journey in journeys],
        "url": [url for url, _, _ in texts],
        "request_headers": [
            redact_headers(journey.carriage.request.all_headers(), journey.load.secrets) for journey in journeys
        ],
        "request_body": [sent.encode() for _, sent, _ in texts],
        "status": [journey.response and journey.response.status for journey in journeys],
        "response_headers": [
            redact_headers(journey.response.headers, journey.load.secrets) if journey.response else {}
            for journey in journeys
        ],
        "response_body": [answered.encode() for _, _, answered in texts],
        "error": [journey.error[:60] for journey in journeys],
    }
    rows.insert(Exchange, columns)


def shown(journey: Journey) -> Sequence[str]:
    """The address, what was sent, and what was answered."""
    request, answer = journey.carriage.request, journey.response.body if journey.response else b""
    bodies = [body.decode("utf-8", "replace") for body in (request.content(), answer)]
    return redact_all([request.url, *bodies], journey.load.secrets)
