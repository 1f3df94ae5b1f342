"""Checks of the decisions at acceptance, and of the mapping."""

from django.utils.translation import gettext as _

from hub.outgoing.insight.explain.context import ExplanationContext
from hub.outgoing.insight.explain.results import Check, format_local_time
from hub.outgoing.models import FINAL_STATES, Event
from hub.outgoing.release import MAPPING_REASONS
from hub.reason_codes import REASONS

FILTER_REASONS = {"filtered", "filter_failed"}


def check_acceptance(event: Event) -> Check:
    names = {"at": format_local_time(event.accepted_at), "connection": event.origin}
    text = (
        _("Received from “%(connection)s” on %(at)s.") if event.origin else _("Accepted on %(at)s.")
    )
    sentence = text % names
    return Check("accepted", True, sentence, f"{event.type} {event.sender_id}")


def check_route(context: ExplanationContext) -> Check:
    route = context.delivery.route
    detail = (
        ""
        if route.enabled
        else _("The route is switched off now; this applies to later events only.")
    )
    names = {"route": route.name, "type": route.event_type}
    return Check("matched", True, _("The route “%(route)s” matches %(type)s.") % names, detail)


def check_filter(context: ExplanationContext) -> Check:
    delivery, dry_run = context.delivery, context.dry_run
    if delivery.reason not in FILTER_REASONS:
        passed = _("It passed the route's filter.") if delivery.route.filter else _("No filter.")
        return Check("filtered", True, passed)
    sentence = REASONS[delivery.reason].sentence
    if dry_run is None:
        return Check("filtered", False, sentence, delivery.detail)
    if dry_run.reason not in FILTER_REASONS:
        today = _("It would pass today's filter.")
        return Check("filtered", False, sentence, f"{delivery.detail} {today}".strip())
    return Check("filtered", False, sentence, dry_run.detail)


def check_mapping(context: ExplanationContext) -> Check:
    delivery, dry_run = context.delivery, context.dry_run
    if delivery.reason in MAPPING_REASONS:
        return Check("mapped", False, REASONS[delivery.reason].sentence, delivery.detail)
    if context.is_rendered:
        return Check(
            "mapped",
            True,
            _("The field mapping was evaluated. All attempts send the same content."),
        )
    if delivery.state in FINAL_STATES:
        return Check("mapped", None, _("It has not been rendered."))
    if dry_run is None:
        return Check(
            "mapped",
            False,
            _("The body of the event is no longer stored, so it cannot be rendered."),
        )
    if dry_run.reason in MAPPING_REASONS:
        return Check("mapped", False, REASONS[dry_run.reason].sentence, dry_run.detail)
    return Check(
        "mapped",
        None,
        _("It is rendered at the first attempt; today's field mapping can be evaluated."),
    )
