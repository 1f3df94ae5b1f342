"""Why an event became no delivery, or which it became."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.outgoing.explain.checks import Check, accepted, moment
from hub.outgoing.match import matches
from hub.outgoing.models import Delivery, Event, Route

NEAREST = 3
LIKE = 0.6  # of 1: how alike a pattern and a type are to be worth a word


def explain_event(event: Event) -> list[Check]:
    """Of an event read with its tenant; two statements."""
    return [
        accepted(event),
        matched(event),
    ]


def matched(event: Event) -> Check:
    deliveries = Delivery.unscoped.filter(event=event, replay_number=0).select_related("route")
    names = sorted({delivery.route.name for delivery in deliveries})
    if names:
        sentence = ngettext("One route is meant for %(type)s.", "%(count)s routes are meant for %(type)s.", len(names))
        return Check("matched", True, sentence % {"count": len(names), "type": event.type}, "\n".join(names))
    near = nearest(event)
    sentence = _("No route was meant for %(type)s.") % {"type": event.type}
    return Check("matched", False, sentence, "\n".join(why_not(route, event) for route in near))


def nearest(event: Event) -> Sequence[Route]:
    """The routes that almost matched, the likeliest first: switched off, made later, or with a pattern much like it."""
    rows = Route.unscoped.filter(Q(tenant=event.tenant_id) | Q(tenant=None))
    graded = [(likeness(route.event_type, event.type), -route.pk, route) for route in rows]
    return [route for grade, _, route in sorted(graded, reverse=True)[:NEAREST] if grade >= LIKE]


def likeness(pattern: str, type: str) -> float:
    return 1.0 if matches(pattern, type) else SequenceMatcher(None, pattern.removesuffix(".*"), type).ratio()


def why_not(route: Route, event: Event) -> str:
    names = {"route": route.name, "type": route.event_type, "at": moment(route.changed_at)}
    if not matches(route.event_type, event.type):
        return _("“%(route)s” is meant for %(type)s.") % names
    if not route.enabled:
        return _("“%(route)s” is meant for it, and is switched off.") % names
    return _("“%(route)s” is meant for it, and was made or changed on %(at)s.") % names
