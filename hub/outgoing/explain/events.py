"""Why an event became no delivery, or which it became."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from django.db.models import Q

from hub.outgoing.explain.checks import Check, moment
from hub.outgoing.match import matches
from hub.outgoing.models import Delivery, Event, Route

NEAREST = 3
LIKE = 0.6  # of 1: how alike a pattern and a type are to be worth a word


def explain_event(event: Event) -> list[Check]:
    """Of an event read with its tenant; two statements."""
    return [
        Check("accepted", True, f"Accepted on {moment(event.accepted_at)}.", f"{event.type} {event.sender_id}"),
        matched(event),
    ]


def matched(event: Event) -> Check:
    deliveries = Delivery.unscoped.filter(event=event, replay=0).select_related("route")
    names = sorted({delivery.route.name for delivery in deliveries})
    if names:
        count = "One route is" if len(names) == 1 else f"{len(names)} routes are"
        return Check("matched", True, f"{count} meant for {event.type}.", "\n".join(names))
    near = nearest(event)
    sentence = f"No route was meant for {event.type}."
    return Check("matched", False, sentence, "\n".join(why_not(route, event) for route in near))


def nearest(event: Event) -> Sequence[Route]:
    """The routes that almost matched, the likeliest first: switched off, made later, or with a pattern much like it."""
    rows = Route.unscoped.filter(Q(tenant=event.tenant_id) | Q(tenant=None))
    graded = [(likeness(route.event_type, event.type), -route.pk, route) for route in rows]
    return [route for grade, _, route in sorted(graded, reverse=True)[:NEAREST] if grade >= LIKE]


def likeness(pattern: str, type: str) -> float:
    return 1.0 if matches(pattern, type) else SequenceMatcher(None, pattern.removesuffix(".*"), type).ratio()


def why_not(route: Route, event: Event) -> str:
    if not matches(route.event_type, event.type):
        return f"“{route.name}” is meant for {route.event_type}."
    if not route.enabled:
        return f"“{route.name}” is meant for it, and is switched off."
    return f"“{route.name}” is meant for it, and was made or changed on {moment(route.changed_at)}."
