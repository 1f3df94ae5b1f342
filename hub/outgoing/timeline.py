"""What happened to a delivery, in order: received, matched, mapped, each attempt, what comes next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.outgoing.bodies import Body, body_of
from hub.outgoing.explain import shown
from hub.outgoing.models import Attempt, Delivery, EventBody, Exchange, Rendering
from hub.words import REASONS

ATTEMPTS_MOST = 50  # the newest ones
OUTCOMES = {  # of an attempt: words, the state whose look it has
    "delivered": ("Delivered", "delivered"),
    "later": ("Not now", "waiting"),
    "never": ("Refused for good", "dead"),
    "refresh": ("The access token had ended", "held"),
    "reconnect": ("The authorization has ended", "dead"),
    "disable": ("It wants no more", "dead"),
    "unknown": ("It may have arrived", "held"),
    "pending": ("Taken, not confirmed yet", "sending"),
}
NEXT = {
    "waiting": "Next try",
    "sending": "It is being sent now",
    "held": "It is held",
    "delivered": "Done",
    "skipped": "It was skipped",
    "dead": "It is given up",
    "cancelled": "A person cancelled it",
}


@dataclass(frozen=True, slots=True)
class Call:
    """The HTTP call of an attempt, as the evidence has it: redacted when it was written."""

    exchange: Exchange
    request: Body | None
    response: Body | None


@dataclass(frozen=True, slots=True)
class Step:
    look: str  # a state whose colour and icon it has
    title: str
    at: datetime | None = None
    text: str = ""
    says: str = ""
    attempt: Attempt | None = None
    call: Call | None = None
    body: Body | None = None
    share: int = 0  # percent of the longest attempt
    pruned: bool = False
    ahead: bool = False  # it has not happened yet


def timeline(delivery: Delivery, *, evidence: bool = True) -> list[Step]:
    """In four statements, however many attempts there were. Without evidence: no call is shown, as it is not theirs."""
    attempts = list(delivery.tries.order_by("-pk")[:ATTEMPTS_MOST])[::-1]
    named = [attempt.exchange for attempt in attempts if attempt.exchange and evidence]
    calls = Exchange.objects.in_bulk(named)
    return [
        *beginnings(delivery),
        *tries(attempts, calls, evidence=evidence),
        ending(delivery),
    ]


def beginnings(delivery: Delivery) -> Iterator[Step]:
    event, route = delivery.event, delivery.route
    received = EventBody.objects.filter(pk=event.pk).first()
    yield Step(
        "delivered",
        f"Received: {event.type}",
        event.accepted_at,
        f"From {event.source}, as {event.sender_id}",
        body=received and body_of(received.body),
        pruned=received is None,
    )
    wanted = f"The route takes {route.event_type}{f', where {route.filter}' if route.filter else ''}"
    refused = delivery.reason if delivery.reason in ("filtered", "filter_failed") else ""
    look = {"filtered": "skipped", "filter_failed": "held"}.get(refused, "delivered")
    yield Step(look, f"Matched: {route.name}", delivery.accepted_at, wanted)
    if delivery.connection is None:
        yield Step("held", "Not connected", text="The tenant has no connection at this system.")
    yield from mapped(delivery)


def mapped(delivery: Delivery) -> Iterator[Step]:
    rendering = Rendering.objects.filter(pk=delivery.pk).first()
    if rendering:
        version = delivery.mapping_version
        text = f"By version {version.number} of its mapping; the same bytes go at every try." if version else ""
        yield Step("delivered", "Mapped", text=text, body=body_of(rendering.body))
    elif delivery.mapping_version_id:
        yield Step("delivered", "Mapped", text="What the mapping made is no longer kept.", pruned=True)
    elif delivery.state == "waiting":
        yield Step("waiting", "Not mapped yet", text="The mapping is worked out at the first try.", ahead=True)


def tries(attempts: list[Attempt], calls: Mapping[UUID, Exchange], *, evidence: bool) -> Iterator[Step]:
    longest = max((attempt.milliseconds or 0 for attempt in attempts), default=0)
    for attempt in attempts:
        word, look = OUTCOMES.get(attempt.outcome, (attempt.outcome, "waiting"))
        exchange = calls.get(attempt.exchange) if attempt.exchange else None
        yield Step(
            look,
            f"Try {attempt.number}: {word}",
            attempt.started_at,
            REASONS[attempt.reason].sentence if attempt.reason in REASONS else "",
            attempt.says,
            attempt=attempt,
            call=exchange and call_of(exchange),
            share=round(100 * (attempt.milliseconds or 0) / longest) if longest else 0,
            pruned=evidence and exchange is None,
        )


def call_of(exchange: Exchange) -> Call:
    return Call(exchange, body_of(exchange.request_body), body_of(exchange.response_body))


def ending(delivery: Delivery) -> Step:
    state, reason, sentence, _ = shown(delivery)
    says = delivery.says if reason == delivery.reason else ""
    if state == "waiting":
        text = sentence if reason else "It goes as soon as it is its turn."
        return Step(state, NEXT[state], delivery.due_at, text, says, ahead=True)
    return Step(state, NEXT[state], delivery.moved_at, sentence if reason else "", says)
