"""Timeline of a delivery: received, matched, mapped, each attempt, and the next step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from hub.outgoing.insight.bodies import DisplayBody, build_display_body
from hub.outgoing.insight.explain import resolve_effective_state
from hub.outgoing.insight.outcome_titles import OUTCOME_TITLES
from hub.outgoing.models import Attempt, Delivery, EventBody, Exchange, Rendering
from hub.reason_codes import REASONS, translate_text

ATTEMPTS_LIMIT = 50  # the newest attempts
NEXT_STEP_TITLES = {
    "waiting": gettext_noop("Next attempt"),
    "sending": gettext_noop("Sending now"),
    "held": gettext_noop("Held"),
    "delivered": gettext_noop("Done"),
    "skipped": gettext_noop("Skipped"),
    "failed": gettext_noop("Failed"),
    "cancelled": gettext_noop("Cancelled by a person"),
}


@dataclass(frozen=True, slots=True)
class TimelineCall:
    """The HTTP call of an attempt, redacted when it was stored."""

    exchange: Exchange
    request: DisplayBody | None
    response: DisplayBody | None


@dataclass(frozen=True, slots=True)
class TimelineStep:
    shown_state: str  # the state whose colour and icon are shown
    title: str
    at: datetime | None = None
    text: str = ""
    detail: str = ""
    attempt: Attempt | None = None
    call: TimelineCall | None = None
    body: DisplayBody | None = None
    width_percent: int = 0  # percent of the longest attempt
    is_pruned: bool = False
    is_future: bool = False


def build_timeline(delivery: Delivery, *, with_exchanges: bool = True) -> list[TimelineStep]:
    """Build the timeline in four statements.

    Without `with_exchanges` no call is shown: a call on the platform's connection carries messages
    of other tenants.
    """
    attempts = list(delivery.attempts.order_by("-pk")[:ATTEMPTS_LIMIT])[::-1]
    exchange_ids = [attempt.exchange for attempt in attempts if attempt.exchange and with_exchanges]
    calls = Exchange.objects.in_bulk(exchange_ids)
    return [
        *_describe_acceptance(delivery),
        *describe_attempts(attempts, calls, with_exchanges=with_exchanges),
        _describe_next_step(delivery),
    ]


def _describe_acceptance(delivery: Delivery) -> Iterator[TimelineStep]:
    event, route = delivery.event, delivery.route
    received = EventBody.objects.filter(pk=event.pk).first()
    yield TimelineStep(
        "delivered",
        _("Received: %(type)s") % {"type": event.type},
        event.accepted_at,
        _("From %(source)s, as %(id)s") % {"source": event.source, "id": event.sender_id},
        body=build_display_body(received.body) if received else None,
        is_pruned=received is None,
    )
    names = {"type": route.event_type, "filter": route.filter}
    route_text = (
        _("The route matches %(type)s if %(filter)s")
        if route.filter
        else _("The route matches %(type)s")
    ) % names
    filter_reason = delivery.reason if delivery.reason in ("filtered", "filter_failed") else ""
    look = {"filtered": "skipped", "filter_failed": "held"}.get(filter_reason, "delivered")
    yield TimelineStep(
        look, _("Matched: %(route)s") % {"route": route.name}, delivery.accepted_at, route_text
    )
    if delivery.connection is None:
        yield TimelineStep(
            "held", _("Not connected"), text=_("The tenant has no connection at this system.")
        )
    yield from _describe_mapping(delivery)


def _describe_mapping(delivery: Delivery) -> Iterator[TimelineStep]:
    rendering = Rendering.objects.filter(pk=delivery.pk).first()
    if rendering:
        version = delivery.mapping_version
        version_text = _(
            "With version %(number)s of its mapping. All attempts send the same content."
        )
        text = version_text % {"number": version.number} if version else ""
        yield TimelineStep(
            "delivered", _("Mapped"), text=text, body=build_display_body(rendering.body)
        )
    elif delivery.mapping_version_id:
        yield TimelineStep(
            "delivered",
            _("Mapped"),
            text=_("The rendering is no longer stored."),
            is_pruned=True,
        )
    elif delivery.state == "waiting":
        yield TimelineStep(
            "waiting",
            _("Not mapped yet"),
            text=_("The mapping is evaluated at the first attempt."),
            is_future=True,
        )


def describe_attempts(
    attempts: list[Attempt], calls: Mapping[UUID, Exchange], *, with_exchanges: bool
) -> Iterator[TimelineStep]:
    longest = max((attempt.milliseconds or 0 for attempt in attempts), default=0)
    for attempt in attempts:
        word, look = OUTCOME_TITLES.get(attempt.outcome, (attempt.outcome, "waiting"))
        exchange = calls.get(attempt.exchange) if attempt.exchange else None
        yield TimelineStep(
            look,
            _("Attempt %(number)s: %(outcome)s")
            % {"number": attempt.number, "outcome": translate_text(word)},
            attempt.started_at,
            REASONS[attempt.reason].sentence if attempt.reason in REASONS else "",
            attempt.detail,
            attempt=attempt,
            call=_build_timeline_call(exchange) if exchange else None,
            width_percent=round(100 * (attempt.milliseconds or 0) / longest) if longest else 0,
            is_pruned=with_exchanges and exchange is None,
        )


def _build_timeline_call(exchange: Exchange) -> TimelineCall:
    return TimelineCall(
        exchange,
        build_display_body(exchange.request_body),
        build_display_body(exchange.response_body),
    )


def _describe_next_step(delivery: Delivery) -> TimelineStep:
    state, reason, sentence, _action = resolve_effective_state(delivery)
    detail = delivery.detail if reason == delivery.reason else ""
    if state == "waiting":
        text = sentence if reason else _("It is sent when its turn comes.")
        return TimelineStep(
            state,
            translate_text(NEXT_STEP_TITLES[state]),
            delivery.due_at,
            text,
            detail,
            is_future=True,
        )
    return TimelineStep(
        state,
        translate_text(NEXT_STEP_TITLES[state]),
        delivery.state_changed_at,
        sentence if reason else "",
        detail,
    )
