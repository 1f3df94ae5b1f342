"""What happened to a delivery, in order: received, matched, mapped, each attempt, what comes next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from hub.outgoing.bodies import Body, body_of
from hub.outgoing.explain import shown
from hub.outgoing.models import Attempt, Delivery, EventBody, Exchange, Rendering
from hub.words import REASONS, said

ATTEMPTS_MOST = 50  # the newest ones
OUTCOMES = {  # of an attempt: words, the state whose look it has
    "delivered": (gettext_noop("Delivered"), "delivered"),
    "later": (gettext_noop("Not now"), "waiting"),
    "never": (gettext_noop("Refused for good"), "failed"),
    "refresh": (gettext_noop("The access token had ended"), "held"),
    "reconnect": (gettext_noop("The authorization has ended"), "failed"),
    "disable": (gettext_noop("It wants no more"), "failed"),
    "unknown": (gettext_noop("It may have arrived"), "held"),
    "pending": (gettext_noop("Taken, not confirmed yet"), "sending"),
}
NEXT = {
    "waiting": gettext_noop("Next try"),
    "sending": gettext_noop("It is being sent now"),
    "held": gettext_noop("It is held"),
    "delivered": gettext_noop("Done"),
    "skipped": gettext_noop("It was skipped"),
    "failed": gettext_noop("It is given up"),
    "cancelled": gettext_noop("A person cancelled it"),
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
    detail: str = ""
    attempt: Attempt | None = None
    call: Call | None = None
    body: Body | None = None
    share: int = 0  # percent of the longest attempt
    pruned: bool = False
    ahead: bool = False  # it has not happened yet


def timeline(delivery: Delivery, *, evidence: bool = True) -> list[Step]:
    """In four statements, however many attempts there were. Without evidence: no call is shown, as it is not theirs."""
    attempts = list(delivery.attempts.order_by("-pk")[:ATTEMPTS_MOST])[::-1]
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
        _("Received: %(type)s") % {"type": event.type},
        event.accepted_at,
        _("From %(source)s, as %(id)s") % {"source": event.source, "id": event.sender_id},
        body=received and body_of(received.body),
        pruned=received is None,
    )
    names = {"type": route.event_type, "filter": route.filter}
    wanted = (
        _("The route takes %(type)s, where %(filter)s") if route.filter else _("The route takes %(type)s")
    ) % names
    refused = delivery.reason if delivery.reason in ("filtered", "filter_failed") else ""
    look = {"filtered": "skipped", "filter_failed": "held"}.get(refused, "delivered")
    yield Step(look, _("Matched: %(route)s") % {"route": route.name}, delivery.accepted_at, wanted)
    if delivery.connection is None:
        yield Step("held", _("Not connected"), text=_("The tenant has no connection at this system."))
    yield from mapped(delivery)


def mapped(delivery: Delivery) -> Iterator[Step]:
    rendering = Rendering.objects.filter(pk=delivery.pk).first()
    if rendering:
        version = delivery.mapping_version
        by = _("By version %(number)s of its mapping; the same bytes go at every try.")
        text = by % {"number": version.number} if version else ""
        yield Step("delivered", _("Mapped"), text=text, body=body_of(rendering.body))
    elif delivery.mapping_version_id:
        yield Step("delivered", _("Mapped"), text=_("What the mapping made is no longer kept."), pruned=True)
    elif delivery.state == "waiting":
        yield Step("waiting", _("Not mapped yet"), text=_("The mapping is worked out at the first try."), ahead=True)


def tries(attempts: list[Attempt], calls: Mapping[UUID, Exchange], *, evidence: bool) -> Iterator[Step]:
    longest = max((attempt.milliseconds or 0 for attempt in attempts), default=0)
    for attempt in attempts:
        word, look = OUTCOMES.get(attempt.outcome, (attempt.outcome, "waiting"))
        exchange = calls.get(attempt.exchange) if attempt.exchange else None
        yield Step(
            look,
            _("Try %(number)s: %(outcome)s") % {"number": attempt.number, "outcome": said(word)},
            attempt.started_at,
            REASONS[attempt.reason].sentence if attempt.reason in REASONS else "",
            attempt.detail,
            attempt=attempt,
            call=exchange and call_of(exchange),
            share=round(100 * (attempt.milliseconds or 0) / longest) if longest else 0,
            pruned=evidence and exchange is None,
        )


def call_of(exchange: Exchange) -> Call:
    return Call(exchange, body_of(exchange.request_body), body_of(exchange.response_body))


def ending(delivery: Delivery) -> Step:
    state, reason, sentence, _action = shown(delivery)
    detail = delivery.detail if reason == delivery.reason else ""
    if state == "waiting":
        text = sentence if reason else _("It goes as soon as it is its turn.")
        return Step(state, said(NEXT[state]), delivery.due_at, text, detail, ahead=True)
    return Step(state, said(NEXT[state]), delivery.state_changed_at, sentence if reason else "", detail)
