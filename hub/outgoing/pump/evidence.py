"""What is kept of each attempt and of the HTTP call that carried it: redacted before it is written."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from hub import rows
from hub.outgoing.models import Attempt, Exchange
from hub.outgoing.pump.parcels import Journey
from hub.redaction import mask_headers, redact_all, redact_text


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
    told = [exchange for group in with_the_same_secrets(journeys) for exchange in redacted(group)]
    columns = {
        "id": [one.journey.carriage.id for one in told],
        "at": [one.journey.started_at for one in told],
        "method": [one.journey.carriage.request.method for one in told],
        "url": [one.url for one in told],
        "request_headers": [one.sent_headers for one in told],
        "request_body": [one.sent.encode() for one in told],
        "status": [one.journey.response and one.journey.response.status for one in told],
        "response_headers": [one.answered_headers for one in told],
        "response_body": [one.answered.encode() for one in told],
        "error": [one.journey.error[:60] for one in told],
    }
    rows.insert(Exchange, columns)


@dataclass(slots=True)
class Told:
    """One exchange as it is written down."""

    journey: Journey
    url: str
    sent: str
    answered: str
    sent_headers: Mapping[str, str]
    answered_headers: Mapping[str, str]


def with_the_same_secrets(journeys: Sequence[Journey]) -> list[list[Journey]]:
    groups = defaultdict[tuple[str, ...], list[Journey]](list)
    for journey in journeys:
        groups[journey.load.secrets].append(journey)
    return list(groups.values())


def redacted(journeys: Sequence[Journey]) -> Iterator[Told]:
    """All their texts are looked through together, which costs little more than to look through one."""
    told = [plain(journey) for journey in journeys]
    texts = [
        text
        for one in told
        for text in (one.url, one.sent, one.answered, *one.sent_headers.values(), *one.answered_headers.values())
    ]
    clean = iter(redact_all(texts, journeys[0].load.secrets))
    for one in told:
        url, sent, answered = islice(clean, 3)
        sent_headers = dict(zip(one.sent_headers, clean, strict=False))
        answered_headers = dict(zip(one.answered_headers, clean, strict=False))
        yield Told(one.journey, url, sent, answered, sent_headers, answered_headers)


def plain(journey: Journey) -> Told:
    """As it went, but for headers that are secrets as a whole."""
    request, response = journey.carriage.request, journey.response
    sent, answered = (
        body.decode("utf-8", "replace") for body in (request.content(), response.body if response else b"")
    )
    return Told(
        journey,
        request.url,
        sent,
        answered,
        mask_headers(request.all_headers()),
        mask_headers(response.headers) if response else {},
    )
