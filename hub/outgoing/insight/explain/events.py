"""Explanation of an event: its deliveries, or why there is none."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.outgoing.insight.explain.acceptance_checks import check_acceptance
from hub.outgoing.insight.explain.results import Check, format_local_time
from hub.outgoing.models import Delivery, Event, Route
from hub.outgoing.routing import matches_event_type

NEAR_MATCHES = 3
MIN_SIMILARITY = 0.6  # of 1: similarity of a pattern and a type from which on it is named


def explain_event(event: Event) -> list[Check]:
    """Explain an event that was read with its tenant; two statements."""
    return [
        check_acceptance(event),
        _check_event_routes(event),
    ]


def _check_event_routes(event: Event) -> Check:
    deliveries = Delivery.unscoped.filter(event=event, replay_number=0).select_related("route")
    names = sorted({delivery.route.name for delivery in deliveries})
    if names:
        sentence = ngettext(
            "One route matches %(type)s.",
            "%(count)s routes match %(type)s.",
            len(names),
        )
        return Check(
            "matched", True, sentence % {"count": len(names), "type": event.type}, "\n".join(names)
        )
    similar_routes = _find_similar_routes(event)
    sentence = _("No route matched %(type)s.") % {"type": event.type}
    return Check(
        "matched",
        False,
        sentence,
        "\n".join(_explain_mismatch(route, event) for route in similar_routes),
    )


def _find_similar_routes(event: Event) -> Sequence[Route]:
    """Return the routes that almost matched, most similar first: disabled, newer, or similar."""
    routes = Route.unscoped.filter(Q(tenant=event.tenant_id) | Q(tenant=None))
    graded = [
        (_compute_similarity(route.event_type, event.type), -route.pk, route) for route in routes
    ]
    return [
        route
        for grade, _, route in sorted(graded, reverse=True)[:NEAR_MATCHES]
        if grade >= MIN_SIMILARITY
    ]


def _compute_similarity(pattern: str, type: str) -> float:
    return (
        1.0
        if matches_event_type(pattern, type)
        else SequenceMatcher(None, pattern.removesuffix(".*"), type).ratio()
    )


def _explain_mismatch(route: Route, event: Event) -> str:
    names = {
        "route": route.name,
        "type": route.event_type,
        "at": format_local_time(route.changed_at),
    }
    if not matches_event_type(route.event_type, event.type):
        return _("“%(route)s” takes %(type)s.") % names
    if not route.accepts_origin(event.origin):
        return _("“%(route)s” takes events of this type from another source.") % names
    if not route.enabled:
        return _("“%(route)s” matches, but is switched off.") % names
    return _("“%(route)s” matches, but was created or changed on %(at)s.") % names
