"""The checks of one delivery, in the order of its way; the first that did not pass is why it was not delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.connections.models import BREAKER, HOLDING_STATES, MAINTENANCE, REFRESHING
from hub.outgoing.insight.explain.context import ExplanationContext
from hub.outgoing.insight.explain.effective_state import (
    EffectiveState,
    describe_delivery_reason,
    resolve_effective_state,
)
from hub.outgoing.models import Attempt, Delivery, Event
from hub.reason_codes import DELIVERY_STATES, REASONS, state_label

FILTER_REASONS = {"filtered", "filter_failed"}
MAPPING_REASONS = {"mapping_failed", "payload_refused", "identity_missing"}
FINAL_STATES = {"delivered", "failed", "cancelled", "skipped"}  # nothing more will happen by itself


@dataclass(frozen=True, slots=True)
class Check:
    """One station of the way. `passed` is None where it was not reached, or does not matter."""

    name: str
    passed: bool | None
    sentence: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryExplanation:
    checks: Sequence[Check]
    effective_state: EffectiveState
    next_try: datetime | None

    @property
    def stopped_by(self) -> Check | None:
        return next((check for check in self.checks if check.passed is False), None)


def explain_delivery(delivery: Delivery, *, now: datetime) -> DeliveryExplanation:
    """Of a delivery read by `readable_deliveries`; a fixed number of statements."""
    context = ExplanationContext.load(delivery, now=now)
    effective_state = resolve_effective_state(delivery)
    checks = (
        check_acceptance(delivery.event),
        check_route(context),
        _check_filter(context),
        _check_mapping(context),
        check_tenant(context),
        _check_switches(context),
        _check_connection(context),
        _check_breaker(context),
        _check_lane(context),
        _check_order(context),
        _check_quota(context),
        _check_expiry(context),
        _check_attempts(context),
        _check_next_try(context, effective_state),
    )
    return DeliveryExplanation(
        checks, effective_state, delivery.due_at if effective_state.state == "waiting" else None
    )


def format_local_time(at: datetime | None) -> str:
    """In the zone of whoever reads, where a page has set it; else in UTC."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S %Z}" if at else _("some time")


def _format_duration(length: timedelta) -> str:
    return str(timedelta(seconds=max(0, round(length.total_seconds()))))


# --- what was decided when it was accepted ---------------------------------------------------------------------------


def check_acceptance(event: Event) -> Check:
    sentence = _("Accepted on %(at)s.") % {"at": format_local_time(event.accepted_at)}
    return Check("accepted", True, sentence, f"{event.type} {event.sender_id}")


def check_route(context: ExplanationContext) -> Check:
    route = context.delivery.route
    detail = (
        "" if route.enabled else _("The route is switched off now, which only later events feel.")
    )
    names = {"route": route.name, "type": route.event_type}
    return Check("matched", True, _("The route “%(route)s” is meant for %(type)s.") % names, detail)


def _check_filter(context: ExplanationContext) -> Check:
    delivery, dry_run = context.delivery, context.dry_run
    if delivery.reason not in FILTER_REASONS:
        passed = (
            _("The route's filter let it through.") if delivery.route.filter else _("No filter.")
        )
        return Check("filtered", True, passed)
    sentence = REASONS[delivery.reason].sentence
    if dry_run is None:
        return Check("filtered", False, sentence, delivery.detail)
    if dry_run.reason not in FILTER_REASONS:
        today = _("Today's filter would let it through.")
        return Check("filtered", False, sentence, f"{delivery.detail} {today}".strip())
    return Check("filtered", False, sentence, dry_run.detail)


def _check_mapping(context: ExplanationContext) -> Check:
    delivery, dry_run = context.delivery, context.dry_run
    if delivery.reason in MAPPING_REASONS:
        return Check("mapped", False, REASONS[delivery.reason].sentence, delivery.detail)
    if context.rendered:
        return Check(
            "mapped",
            True,
            _("The field mapping was worked out; the same bytes go at every attempt."),
        )
    if delivery.state in FINAL_STATES:
        return Check("mapped", None, _("It was never rendered."))
    if dry_run is None:
        return Check(
            "mapped",
            False,
            _("The body of the event was pruned, so it cannot be rendered any more."),
        )
    if dry_run.reason in MAPPING_REASONS:
        return Check("mapped", False, REASONS[dry_run.reason].sentence, dry_run.detail)
    return Check(
        "mapped",
        None,
        _("It is rendered at the first attempt; today's field mapping can be worked out."),
    )


# --- what holds it now -----------------------------------------------------------------------------------------------


def check_tenant(context: ExplanationContext) -> Check:
    owner = context.delivery.tenant
    if not owner.suspended:
        return Check("tenant", True, _("%(tenant)s is active.") % {"tenant": owner.name})
    names = {"tenant": owner.name, "since": format_local_time(owner.suspended_at)}
    return Check(
        "tenant",
        False,
        _("%(tenant)s is suspended since %(since)s.") % names,
        owner.suspended_reason,
    )


def _check_switches(context: ExplanationContext) -> Check:
    switch = context.switch
    if switch is None or context.delivery.state in FINAL_STATES:
        return Check(
            "switch", True if switch is None else None, _("Nothing that it needs is switched off.")
        )
    parts = [
        _("%(what)s: switched off on %(since)s.")
        % {"what": switch, "since": format_local_time(switch.activated_at)}
    ]
    parts += [_("By %(who)s.") % {"who": switch.activated_by}] if switch.activated_by_id else []
    parts += (
        [_("Until %(until)s.") % {"until": format_local_time(switch.expires_at)}]
        if switch.expires_at
        else []
    )
    return Check("switch", False, " ".join(parts), switch.reason)


def _check_connection(context: ExplanationContext) -> Check:
    connection = context.delivery.connection
    if connection is None:
        return Check("connection", False, REASONS["not_connected"].sentence)
    if connection.state not in HOLDING_STATES:
        names = {"name": str(connection), "state": state_label(connection.state)}
        return Check("connection", True, _("The connection “%(name)s” is %(state)s.") % names)
    cause = connection.reason if connection.reason not in ("", connection.state) else ""
    words = [
        describe_delivery_reason(cause, connection.connector_key).sentence if cause else "",
        connection.detail,
    ]
    sentence = " ".join(
        [
            REASONS[connection.state].sentence,
            _("It is so since %(since)s.")
            % {"since": format_local_time(connection.state_changed_at)},
        ]
    )
    return Check("connection", False, sentence, " ".join(filter(None, words)))


def _check_breaker(context: ExplanationContext) -> Check:
    lane = getattr(context.delivery.connection, "lane", None)
    if lane is None or lane.hold_reason != BREAKER:
        return Check(
            "breaker", True if lane else None, _("The other system does not fail too often.")
        )
    sentence = " ".join(
        [
            REASONS[BREAKER].sentence,
            _("The next goes on %(at)s.") % {"at": format_local_time(lane.open_until)},
        ]
    )
    often = (
        _("It opened %(times)s times in a row.") % {"times": lane.breaker_trips}
        if lane.breaker_trips > 1
        else ""
    )
    return Check("breaker", False, sentence, often)


def _check_lane(context: ExplanationContext) -> Check:
    delivery = context.delivery
    lane = getattr(delivery.connection, "lane", None)
    if lane is None:
        return Check("lane", None, _("There is no connection yet to go by."))
    if lane.hold_reason == BREAKER or lane.switched_off_by:
        return Check("lane", None, _("What stops it is told above."))
    if lane.hold_reason == REFRESHING:
        return Check("lane", False, REASONS[REFRESHING].sentence)
    if lane.hold_reason == MAINTENANCE and context.maintenance:
        window = context.maintenance
        until = _("Maintenance was declared until %(until)s.") % {
            "until": format_local_time(window.ends_at)
        }
        return Check("lane", False, until, window.reason)
    if lane.hold_reason:
        return Check(
            "lane",
            False,
            _("Nothing goes to this connection until its cause is gone."),
            lane.hold_reason,
        )
    if delivery.state == "held" and delivery.reason not in FILTER_REASONS | MAPPING_REASONS:
        words = describe_delivery_reason(delivery.reason, delivery.route.connector_key)
        return Check("lane", False, words.sentence, delivery.detail)
    if lane.lease_until and lane.lease_until > context.now:
        return Check("lane", True, _("A pump serves this connection right now."))
    return Check("lane", True, _("The way to this connection is open."))


def _check_order(context: ExplanationContext) -> Check:
    delivery, head = context.delivery, context.head
    if delivery.position is None:
        return Check("order", None, _("The route keeps no order."))
    if head is None:
        return Check("order", True, _("Nothing has to end before it."))
    names = {"event": f"{head.event.type} {head.event.sender_id}", "state": state_label(head.state)}
    parts = [_("It stands behind %(event)s, which is %(state)s.") % names]
    parts += (
        [_("Both have the key “%(key)s”.") % {"key": delivery.order_key}]
        if delivery.order_key
        else []
    )
    parts += (
        [_("Until that is retried or skipped, nothing of this key goes.")]
        if head.state == "failed"
        else []
    )
    return Check("order", False, " ".join(parts), f"{head.public_id} {head.reason}".strip())


def _check_expiry(context: ExplanationContext) -> Check:
    expires_at = context.delivery.expires_at
    if expires_at is None:
        return Check("expiry", None, _("It does not expire."))
    if context.delivery.reason == "expired":
        return Check(
            "expiry", False, _("It expired on %(at)s.") % {"at": format_local_time(expires_at)}
        )
    return Check(
        "expiry", True, _("It is not sent after %(at)s.") % {"at": format_local_time(expires_at)}
    )


def _check_quota(context: ExplanationContext) -> Check:
    delivery = context.delivery
    if delivery.state != "waiting":
        return Check("quota", None, _("No quota is asked while it does not wait."))
    if context.pauses:
        longest = context.pauses[0]
        names = {
            "until": format_local_time(longest.paused_until),
            "wait": _format_duration(longest.paused_until - context.now),
        }
        return Check(
            "quota", False, _("A quota rests until %(until)s, for %(wait)s.") % names, longest.key
        )
    if delivery.reason == "throttled" and delivery.due_at and delivery.due_at > context.now:
        names = {
            "at": format_local_time(delivery.due_at),
            "wait": _format_duration(delivery.due_at - context.now),
        }
        return Check(
            "quota",
            False,
            _("The quota lets it go on %(at)s, in %(wait)s.") % names,
            delivery.detail,
        )
    return Check("quota", True, _("No quota is known to stop it."))


def _check_attempts(context: ExplanationContext) -> Check:
    delivery, tries = context.delivery, context.attempts
    if not tries:
        return Check("attempts", None, _("Nothing was sent yet."))
    sentence = ngettext(
        "One attempt was made; the last came to: %(outcome)s.",
        "%(count)s attempts were made; the last came to: %(outcome)s.",
        len(tries),
    ) % {"count": len(tries), "outcome": tries[-1].outcome}
    detail = "\n".join(_format_attempt(attempt) for attempt in tries)
    return Check("attempts", delivery.state == "delivered", sentence, detail)


def _format_attempt(attempt: Attempt) -> str:
    words = " ".join(filter(None, (attempt.reason, attempt.detail, attempt.reference)))
    return f"{attempt.number}, {format_local_time(attempt.started_at)}: {attempt.outcome}{f' ({words})' if words else ''}"


def _check_next_try(context: ExplanationContext, effective_state: EffectiveState) -> Check:
    due = context.delivery.due_at
    if effective_state.state == "held":
        return Check(
            "next_try", None, _("It goes as soon as the cause is gone."), effective_state.action
        )
    if effective_state.state != "waiting" or due is None:
        return Check(
            "next_try",
            None,
            DELIVERY_STATES[effective_state.state].sentence,
            effective_state.action,
        )
    if due <= context.now:
        since = _("It is due since %(since)s; the worker takes it next.") % {
            "since": format_local_time(due)
        }
        return Check("next_try", True, since)
    names = {"at": format_local_time(due), "wait": _format_duration(due - context.now)}
    return Check(
        "next_try", True, _("It goes again on %(at)s, in %(wait)s.") % names, effective_state.action
    )
