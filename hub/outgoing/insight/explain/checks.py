"""The checks of a delivery in order; the first that failed explains why it was not delivered."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.outgoing.insight.explain.acceptance_checks import (
    check_acceptance,
    check_filter,
    check_mapping,
    check_route,
)
from hub.outgoing.insight.explain.context import ExplanationContext
from hub.outgoing.insight.explain.effective_state import EffectiveState, resolve_effective_state
from hub.outgoing.insight.explain.hold_checks import (
    check_breaker,
    check_connection,
    check_expiry,
    check_lane,
    check_order,
    check_quota,
    check_switches,
    check_tenant,
)
from hub.outgoing.insight.explain.results import (
    Check,
    DeliveryExplanation,
    format_duration,
    format_local_time,
)
from hub.outgoing.insight.outcome_titles import name_outcome
from hub.outgoing.models import Attempt, Delivery
from hub.state_texts import DELIVERY_STATES


def explain_delivery(delivery: Delivery, *, now: datetime) -> DeliveryExplanation:
    """Explain a delivery of `readable_deliveries`; a fixed number of statements."""
    context = ExplanationContext.load(delivery, now=now)
    effective_state = resolve_effective_state(delivery)
    checks = (
        check_acceptance(delivery.event),
        check_route(context),
        check_filter(context),
        check_mapping(context),
        check_tenant(context),
        check_switches(context),
        check_connection(context),
        check_breaker(context),
        check_lane(context),
        check_order(context),
        check_quota(context),
        check_expiry(context),
        _check_attempts(context),
        _check_next_try(context, effective_state),
    )
    return DeliveryExplanation(
        checks, effective_state, delivery.due_at if effective_state.state == "waiting" else None
    )


def _check_attempts(context: ExplanationContext) -> Check:
    delivery, tries = context.delivery, context.attempts
    if not tries:
        return Check("attempts", None, _("No attempts yet."))
    sentence = ngettext(
        "One attempt was made. Its result: %(outcome)s.",
        "%(count)s attempts were made. Result of the last one: %(outcome)s.",
        len(tries),
    ) % {"count": len(tries), "outcome": name_outcome(tries[-1].outcome)}
    detail = "\n".join(_format_attempt(attempt) for attempt in tries)
    return Check("attempts", delivery.state == "delivered", sentence, detail)


def _format_attempt(attempt: Attempt) -> str:
    words = " ".join(filter(None, (attempt.reason, attempt.detail, attempt.reference)))
    return (
        f"{attempt.number}, {format_local_time(attempt.started_at)}: "
        f"{attempt.outcome}{f' ({words})' if words else ''}"
    )


def _check_next_try(context: ExplanationContext, effective_state: EffectiveState) -> Check:
    due = context.delivery.due_at
    if effective_state.state == "held":
        return Check(
            "next_try", None, _("It is sent once the cause is fixed."), effective_state.action
        )
    if effective_state.state != "waiting" or due is None:
        return Check(
            "next_try",
            None,
            DELIVERY_STATES[effective_state.state].sentence,
            effective_state.action,
        )
    if due <= context.now:
        since = _("It has been due since %(since)s. The worker sends it next.") % {
            "since": format_local_time(due)
        }
        return Check("next_try", True, since)
    names = {"at": format_local_time(due), "wait": format_duration(due - context.now)}
    return Check(
        "next_try", True, _("It is retried on %(at)s, in %(wait)s.") % names, effective_state.action
    )
