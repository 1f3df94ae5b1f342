"""The checks of one delivery, in the order of its way; the first that did not pass is why it was not delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.connections.models import BREAKER, HOLDING, MAINTENANCE, REFRESHING
from hub.outgoing.explain.reading import Reading
from hub.outgoing.explain.shown import Shown, shown, words_of
from hub.outgoing.models import Attempt, Delivery, Event
from hub.words import REASONS, STATES, state_word

BY_FILTER = {"filtered", "filter_failed"}
BY_MAPPING = {"mapping_failed", "payload_refused", "identity_missing"}
PAST = {"delivered", "failed", "cancelled", "skipped"}  # nothing more will happen by itself


@dataclass(frozen=True, slots=True)
class Check:
    """One station of the way. `passed` is None where it was not reached, or does not matter."""

    name: str
    passed: bool | None
    sentence: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    checks: Sequence[Check]
    shown: Shown
    next_try: datetime | None

    @property
    def stopped_by(self) -> Check | None:
        return next((check for check in self.checks if check.passed is False), None)


def explain(delivery: Delivery, *, now: datetime) -> Explanation:
    """Of a delivery read by `readable_deliveries`; a fixed number of statements."""
    reading = Reading.of(delivery, now=now)
    told = shown(delivery)
    checks = (
        accepted(delivery.event),
        matched(reading),
        filtered(reading),
        mapped(reading),
        tenant(reading),
        switch(reading),
        connection(reading),
        breaker(reading),
        lane(reading),
        order(reading),
        quota(reading),
        expiry(reading),
        attempts(reading),
        next_try(reading, told),
    )
    return Explanation(checks, told, delivery.due_at if told.state == "waiting" else None)


def moment(at: datetime | None) -> str:
    """In the zone of whoever reads, where a page has set it; else in UTC."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S %Z}" if at else _("some time")


def span(length: timedelta) -> str:
    return str(timedelta(seconds=max(0, round(length.total_seconds()))))


# --- what was decided when it was accepted ---------------------------------------------------------------------------


def accepted(event: Event) -> Check:
    sentence = _("Accepted on %(at)s.") % {"at": moment(event.accepted_at)}
    return Check("accepted", True, sentence, f"{event.type} {event.sender_id}")


def matched(reading: Reading) -> Check:
    route = reading.delivery.route
    off = "" if route.enabled else _("The route is switched off now, which only later events feel.")
    names = {"route": route.name, "type": route.event_type}
    return Check("matched", True, _("The route “%(route)s” is meant for %(type)s.") % names, off)


def filtered(reading: Reading) -> Check:
    delivery, rehearsal = reading.delivery, reading.rehearsal
    if delivery.reason not in BY_FILTER:
        passed = _("The route's filter let it through.") if delivery.route.filter else _("No filter.")
        return Check("filtered", True, passed)
    sentence = REASONS[delivery.reason].sentence
    if rehearsal is None:
        return Check("filtered", False, sentence, delivery.detail)
    if rehearsal.reason not in BY_FILTER:
        today = _("Today's filter would let it through.")
        return Check("filtered", False, sentence, f"{delivery.detail} {today}".strip())
    return Check("filtered", False, sentence, rehearsal.detail)


def mapped(reading: Reading) -> Check:
    delivery, rehearsal = reading.delivery, reading.rehearsal
    if delivery.reason in BY_MAPPING:
        return Check("mapped", False, REASONS[delivery.reason].sentence, delivery.detail)
    if reading.rendered:
        return Check("mapped", True, _("The field mapping was worked out; the same bytes go at every attempt."))
    if delivery.state in PAST:
        return Check("mapped", None, _("It was never rendered."))
    if rehearsal is None:
        return Check("mapped", False, _("The body of the event was pruned, so it cannot be rendered any more."))
    if rehearsal.reason in BY_MAPPING:
        return Check("mapped", False, REASONS[rehearsal.reason].sentence, rehearsal.detail)
    return Check("mapped", None, _("It is rendered at the first attempt; today's field mapping can be worked out."))


# --- what holds it now -----------------------------------------------------------------------------------------------


def tenant(reading: Reading) -> Check:
    owner = reading.delivery.tenant
    if not owner.suspended:
        return Check("tenant", True, _("%(tenant)s is active.") % {"tenant": owner.name})
    names = {"tenant": owner.name, "since": moment(owner.suspended_at)}
    return Check("tenant", False, _("%(tenant)s is suspended since %(since)s.") % names, owner.suspended_reason)


def switch(reading: Reading) -> Check:
    row = reading.switch
    if row is None or reading.delivery.state in PAST:
        return Check("switch", True if row is None else None, _("Nothing that it needs is switched off."))
    parts = [_("%(what)s: switched off on %(since)s.") % {"what": row, "since": moment(row.activated_at)}]
    parts += [_("By %(who)s.") % {"who": row.activated_by}] if row.activated_by_id else []
    parts += [_("Until %(until)s.") % {"until": moment(row.expires_at)}] if row.expires_at else []
    return Check("switch", False, " ".join(parts), row.reason)


def connection(reading: Reading) -> Check:
    row = reading.delivery.connection
    if row is None:
        return Check("connection", False, REASONS["not_connected"].sentence)
    if row.state not in HOLDING:
        names = {"name": str(row), "state": state_word(row.state)}
        return Check("connection", True, _("The connection “%(name)s” is %(state)s.") % names)
    cause = row.reason if row.reason not in ("", row.state) else ""
    words = [words_of(cause, row.connector_key).sentence if cause else "", row.detail]
    sentence = " ".join(
        [REASONS[row.state].sentence, _("It is so since %(since)s.") % {"since": moment(row.state_changed_at)}]
    )
    return Check("connection", False, sentence, " ".join(filter(None, words)))


def breaker(reading: Reading) -> Check:
    row = getattr(reading.delivery.connection, "lane", None)
    if row is None or row.hold_reason != BREAKER:
        return Check("breaker", True if row else None, _("The other system does not fail too often."))
    sentence = " ".join([REASONS[BREAKER].sentence, _("The next goes on %(at)s.") % {"at": moment(row.open_until)}])
    often = _("It opened %(times)s times in a row.") % {"times": row.breaker_trips} if row.breaker_trips > 1 else ""
    return Check("breaker", False, sentence, often)


def lane(reading: Reading) -> Check:
    delivery = reading.delivery
    row = getattr(delivery.connection, "lane", None)
    if row is None:
        return Check("lane", None, _("There is no connection yet to go by."))
    if row.hold_reason == BREAKER or row.switched_off_by:
        return Check("lane", None, _("What stops it is told above."))
    if row.hold_reason == REFRESHING:
        return Check("lane", False, REASONS[REFRESHING].sentence)
    if row.hold_reason == MAINTENANCE and reading.maintenance:
        window = reading.maintenance
        until = _("Maintenance was declared until %(until)s.") % {"until": moment(window.ends_at)}
        return Check("lane", False, until, window.reason)
    if row.hold_reason:
        return Check("lane", False, _("Nothing goes to this connection until its cause is gone."), row.hold_reason)
    if delivery.state == "held" and delivery.reason not in BY_FILTER | BY_MAPPING:
        words = words_of(delivery.reason, delivery.route.connector_key)
        return Check("lane", False, words.sentence, delivery.detail)
    if row.lease_until and row.lease_until > reading.now:
        return Check("lane", True, _("A pump serves this connection right now."))
    return Check("lane", True, _("The way to this connection is open."))


def order(reading: Reading) -> Check:
    delivery, head = reading.delivery, reading.head
    if delivery.position is None:
        return Check("order", None, _("The route keeps no order."))
    if head is None:
        return Check("order", True, _("Nothing has to end before it."))
    names = {"event": f"{head.event.type} {head.event.sender_id}", "state": state_word(head.state)}
    parts = [_("It stands behind %(event)s, which is %(state)s.") % names]
    parts += [_("Both have the key “%(key)s”.") % {"key": delivery.order_key}] if delivery.order_key else []
    parts += [_("Until that is retried or skipped, nothing of this key goes.")] if head.state == "failed" else []
    return Check("order", False, " ".join(parts), f"{head.public_id} {head.reason}".strip())


def expiry(reading: Reading) -> Check:
    ends = reading.delivery.expires_at
    if ends is None:
        return Check("expiry", None, _("It does not expire."))
    if reading.delivery.reason == "expired":
        return Check("expiry", False, _("It expired on %(at)s.") % {"at": moment(ends)})
    return Check("expiry", True, _("It is not sent after %(at)s.") % {"at": moment(ends)})


def quota(reading: Reading) -> Check:
    delivery = reading.delivery
    if delivery.state != "waiting":
        return Check("quota", None, _("No quota is asked while it does not wait."))
    if reading.pauses:
        longest = reading.pauses[0]
        names = {"until": moment(longest.paused_until), "wait": span(longest.paused_until - reading.now)}
        return Check("quota", False, _("A quota rests until %(until)s, for %(wait)s.") % names, longest.key)
    if delivery.reason == "throttled" and delivery.due_at and delivery.due_at > reading.now:
        names = {"at": moment(delivery.due_at), "wait": span(delivery.due_at - reading.now)}
        return Check("quota", False, _("The quota lets it go on %(at)s, in %(wait)s.") % names, delivery.detail)
    return Check("quota", True, _("No quota is known to stop it."))


def attempts(reading: Reading) -> Check:
    delivery, tries = reading.delivery, reading.attempts
    if not tries:
        return Check("attempts", None, _("Nothing was sent yet."))
    sentence = ngettext(
        "One attempt was made; the last came to: %(outcome)s.",
        "%(count)s attempts were made; the last came to: %(outcome)s.",
        len(tries),
    ) % {"count": len(tries), "outcome": tries[-1].outcome}
    detail = "\n".join(line_of(attempt) for attempt in tries)
    return Check("attempts", delivery.state == "delivered", sentence, detail)


def line_of(attempt: Attempt) -> str:
    words = " ".join(filter(None, (attempt.reason, attempt.detail, attempt.reference)))
    return f"{attempt.number}, {moment(attempt.started_at)}: {attempt.outcome}{f' ({words})' if words else ''}"


def next_try(reading: Reading, told: Shown) -> Check:
    due = reading.delivery.due_at
    if told.state == "held":
        return Check("next_try", None, _("It goes as soon as the cause is gone."), told.action)
    if told.state != "waiting" or due is None:
        return Check("next_try", None, STATES[told.state].sentence, told.action)
    if due <= reading.now:
        since = _("It is due since %(since)s; the worker takes it next.") % {"since": moment(due)}
        return Check("next_try", True, since)
    names = {"at": moment(due), "wait": span(due - reading.now)}
    return Check("next_try", True, _("It goes again on %(at)s, in %(wait)s.") % names, told.action)
