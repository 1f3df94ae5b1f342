"""Checks of what may hold a delivery now, from the widest cause to the narrowest."""

from django.utils.translation import gettext as _

from hub.connections.models import BREAKER, HOLDING_STATES, MAINTENANCE, REFRESHING
from hub.connections.quotas.quota_names import name_connection_quota
from hub.outgoing.insight.explain.acceptance_checks import FILTER_REASONS
from hub.outgoing.insight.explain.context import ExplanationContext
from hub.outgoing.insight.explain.effective_state import describe_delivery_reason
from hub.outgoing.insight.explain.results import Check, format_duration, format_local_time
from hub.outgoing.models import FINAL_STATES
from hub.outgoing.release import MAPPING_REASONS
from hub.reason_codes import REASONS
from hub.state_texts import state_label


def check_tenant(context: ExplanationContext) -> Check:
    owner = context.delivery.tenant
    if not owner.suspended:
        return Check("tenant", True, _("%(tenant)s is active.") % {"tenant": owner.name})
    names = {"tenant": owner.name, "since": format_local_time(owner.suspended_at)}
    return Check(
        "tenant",
        False,
        _("%(tenant)s has been suspended since %(since)s.") % names,
        owner.suspended_reason,
    )


def check_switches(context: ExplanationContext) -> Check:
    switch = context.blocking_switch
    if switch is None or context.delivery.state in FINAL_STATES:
        return Check("switch", True if switch is None else None, _("No off switch applies."))
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


def check_connection(context: ExplanationContext) -> Check:
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
            _("This has been the case since %(since)s.")
            % {"since": format_local_time(connection.state_changed_at)},
        ]
    )
    return Check("connection", False, sentence, " ".join(filter(None, words)))


def check_breaker(context: ExplanationContext) -> Check:
    lane = getattr(context.delivery.connection, "lane", None)
    if lane is None or lane.hold_reason != BREAKER:
        return Check(
            "breaker", True if lane else None, _("The other system does not fail too often.")
        )
    sentence = " ".join(
        [
            REASONS[BREAKER].sentence,
            _("The next probe is on %(at)s.") % {"at": format_local_time(lane.open_until)},
        ]
    )
    often = (
        _("The circuit breaker opened %(times)s times in a row.") % {"times": lane.breaker_trips}
        if lane.breaker_trips > 1
        else ""
    )
    return Check("breaker", False, sentence, often)


def check_lane(context: ExplanationContext) -> Check:
    delivery = context.delivery
    lane = getattr(delivery.connection, "lane", None)
    if lane is None:
        return Check("lane", None, _("This tenant has not connected the system yet."))
    if lane.hold_reason == BREAKER or lane.switched_off_by:
        return Check("lane", None, _("See the cause above."))
    if lane.hold_reason == REFRESHING:
        return Check("lane", False, REASONS[REFRESHING].sentence)
    if lane.hold_reason == MAINTENANCE and context.maintenance:
        window = context.maintenance
        until = _("There is a maintenance window until %(until)s.") % {
            "until": format_local_time(window.ends_at)
        }
        return Check("lane", False, until, window.reason)
    if lane.hold_reason:
        return Check(
            "lane",
            False,
            _("Nothing is sent over this connection until the cause is fixed."),
            lane.hold_reason,
        )
    if delivery.state == "held" and delivery.reason not in (*FILTER_REASONS, *MAPPING_REASONS):
        words = describe_delivery_reason(delivery.reason, delivery.route.connector_key)
        return Check("lane", False, words.sentence, delivery.detail)
    if lane.lease_until and lane.lease_until > context.now:
        return Check("lane", True, _("A pump serves this connection right now."))
    return Check("lane", True, _("Nothing blocks this connection."))


def check_order(context: ExplanationContext) -> Check:
    delivery, head = context.delivery, context.queue_head
    if delivery.position is None:
        return Check("order", None, _("The route is not ordered."))
    if head is None:
        return Check("order", True, _("It is the next delivery of its order key."))
    names = {"event": f"{head.event.type} {head.event.sender_id}", "state": state_label(head.state)}
    parts = [_("It waits for the earlier %(event)s, which is %(state)s.") % names]
    parts += (
        [_("Both have the order key “%(key)s”.") % {"key": delivery.order_key}]
        if delivery.order_key
        else []
    )
    parts += (
        [_("Nothing with this order key is sent until the earlier delivery is retried or skipped.")]
        if head.state == "failed"
        else []
    )
    return Check("order", False, " ".join(parts), f"{head.public_id} {head.reason}".strip())


def check_expiry(context: ExplanationContext) -> Check:
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


def check_quota(context: ExplanationContext) -> Check:
    delivery = context.delivery
    if delivery.state != "waiting":
        return Check("quota", None, _("Quotas are only checked for waiting deliveries."))
    if context.paused_quotas and delivery.connection:
        longest = context.paused_quotas[0]
        paused_until = longest.paused_until or context.now
        names = {
            "until": format_local_time(paused_until),
            "wait": format_duration(paused_until - context.now),
        }
        return Check(
            "quota",
            False,
            _("A quota is paused until %(until)s, for %(wait)s.") % names,
            name_connection_quota(longest.key, delivery.connection),
        )
    if delivery.reason == "throttled" and delivery.due_at and delivery.due_at > context.now:
        names = {
            "at": format_local_time(delivery.due_at),
            "wait": format_duration(delivery.due_at - context.now),
        }
        return Check(
            "quota",
            False,
            _("The quota allows it on %(at)s, in %(wait)s.") % names,
            delivery.detail,
        )
    return Check("quota", True, _("No quota delays it."))
