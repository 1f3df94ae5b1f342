"""The checks of one delivery, in the order of its way; the first that did not pass is why it was not delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.connections.models import BREAKER, HOLDING, MAINTENANCE, REFRESHING
from hub.outgoing.explain.reading import Reading
from hub.outgoing.explain.shown import Shown, shown, words_of
from hub.outgoing.models import Attempt, Delivery
from hub.words import REASONS, STATES

BY_FILTER = {"filtered", "filter_failed"}
BY_MAPPING = {"mapping_failed", "payload_refused", "identity_missing"}
PAST = {"delivered", "dead", "cancelled", "skipped"}  # nothing more will happen by itself


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
        accepted(reading),
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
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "some time"


def span(length: timedelta) -> str:
    return str(timedelta(seconds=max(0, round(length.total_seconds()))))


# --- what was decided when it was accepted ---------------------------------------------------------------------------


def accepted(reading: Reading) -> Check:
    event = reading.delivery.event
    return Check("accepted", True, f"Accepted on {moment(event.accepted_at)}.", f"{event.type} {event.sender_id}")


def matched(reading: Reading) -> Check:
    route = reading.delivery.route
    off = "" if route.enabled else "The route is switched off now, which only later events feel."
    return Check("matched", True, f"The route “{route.name}” is meant for {route.event_type}.", off)


def filtered(reading: Reading) -> Check:
    delivery, rehearsal = reading.delivery, reading.rehearsal
    if delivery.reason not in BY_FILTER:
        return Check("filtered", True, "The route's filter let it through." if delivery.route.filter else "No filter.")
    sentence = REASONS[delivery.reason].sentence
    if rehearsal is None:
        return Check("filtered", False, sentence, delivery.says)
    if rehearsal.reason not in BY_FILTER:
        return Check("filtered", False, sentence, f"{delivery.says} Today's filter would let it through.".strip())
    return Check("filtered", False, sentence, rehearsal.says)


def mapped(reading: Reading) -> Check:
    delivery, rehearsal = reading.delivery, reading.rehearsal
    if delivery.reason in BY_MAPPING:
        return Check("mapped", False, REASONS[delivery.reason].sentence, delivery.says)
    if reading.rendered:
        return Check("mapped", True, "The field mapping was worked out; the same bytes go at every attempt.")
    if delivery.state in PAST:
        return Check("mapped", None, "It was never rendered.")
    if rehearsal is None:
        return Check("mapped", False, "The body of the event was pruned, so it cannot be rendered any more.")
    if rehearsal.reason in BY_MAPPING:
        return Check("mapped", False, REASONS[rehearsal.reason].sentence, rehearsal.says)
    return Check("mapped", None, "It is rendered at the first attempt; today's field mapping can be worked out.")


# --- what holds it now -----------------------------------------------------------------------------------------------


def tenant(reading: Reading) -> Check:
    owner = reading.delivery.tenant
    if not owner.suspended:
        return Check("tenant", True, f"{owner.name} is active.")
    return Check(
        "tenant", False, f"{owner.name} is suspended since {moment(owner.suspended_at)}.", owner.suspended_reason
    )


def switch(reading: Reading) -> Check:
    row = reading.switch
    if row is None or reading.delivery.state in PAST:
        return Check("switch", True if row is None else None, "Nothing that it needs is switched off.")
    by = f" by {row.by}" if row.by_id else ""
    until = f" until {moment(row.until)}" if row.until else ""
    return Check("switch", False, f"{row}: switched off on {moment(row.since)}{by}{until}.", row.reason)


def connection(reading: Reading) -> Check:
    row = reading.delivery.connection
    if row is None:
        return Check("connection", False, REASONS["not_connected"].sentence)
    if row.state not in HOLDING:
        return Check("connection", True, f"The connection “{row.name}” is {row.get_state_display()}.")
    cause = row.reason if row.reason not in ("", row.state) else ""
    words = [words_of(cause, row.connector).sentence if cause else "", row.says]
    sentence = f"{REASONS[row.state].sentence[:-1]} since {moment(row.since)}."
    return Check("connection", False, sentence, " ".join(filter(None, words)))


def breaker(reading: Reading) -> Check:
    row = getattr(reading.delivery.connection, "lane", None)
    if row is None or row.held != BREAKER:
        return Check("breaker", True if row else None, "The other system does not fail too often.")
    sentence = f"{REASONS[BREAKER].sentence[:-1]}, the next on {moment(row.open_until)}."
    return Check("breaker", False, sentence, f"It opened {row.opened} times in a row." if row.opened > 1 else "")


def lane(reading: Reading) -> Check:
    delivery = reading.delivery
    row = getattr(delivery.connection, "lane", None)
    if row is None:
        return Check("lane", None, "There is no connection yet to go by.")
    if row.held == BREAKER or row.off:
        return Check("lane", None, "What stops it is told above.")
    if row.held == REFRESHING:
        return Check("lane", False, REASONS[REFRESHING].sentence)
    if row.held == MAINTENANCE and reading.maintenance:
        window = reading.maintenance
        return Check("lane", False, f"Maintenance was declared until {moment(window.ends_at)}.", window.reason)
    if row.held:
        return Check("lane", False, "Nothing goes to this connection until its cause is gone.", row.held)
    if delivery.state == "held" and delivery.reason not in BY_FILTER | BY_MAPPING:
        words = words_of(delivery.reason, delivery.route.connector)
        return Check("lane", False, words.sentence, delivery.says)
    if row.lease_until and row.lease_until > reading.now:
        return Check("lane", True, "A pump serves this connection right now.")
    return Check("lane", True, "The way to this connection is open.")


def order(reading: Reading) -> Check:
    delivery, head = reading.delivery, reading.head
    if delivery.position is None:
        return Check("order", None, "The route keeps no order.")
    if head is None:
        return Check("order", True, "Nothing has to end before it.")
    key = f" of the key “{delivery.order_key}”" if delivery.order_key else ""
    sentence = f"It stands behind {head.event.type} {head.event.sender_id}{key}, which is {head.state}."
    wants = " Until that is retried or skipped, nothing of this key goes." if head.state == "dead" else ""
    return Check("order", False, sentence + wants, f"{head.public_id} {head.reason}".strip())


def expiry(reading: Reading) -> Check:
    ends = reading.delivery.expires_at
    if ends is None:
        return Check("expiry", None, "It does not expire.")
    if reading.delivery.reason == "expired":
        return Check("expiry", False, f"It expired on {moment(ends)}.")
    return Check("expiry", True, f"It is not sent after {moment(ends)}.")


def quota(reading: Reading) -> Check:
    delivery = reading.delivery
    if delivery.state != "waiting":
        return Check("quota", None, "No quota is asked while it does not wait.")
    if reading.pauses:
        longest = reading.pauses[0]
        wait = span(longest.paused_until - reading.now)
        return Check("quota", False, f"A quota rests until {moment(longest.paused_until)}, for {wait}.", longest.key)
    if delivery.reason == "throttled" and delivery.due_at and delivery.due_at > reading.now:
        wait = span(delivery.due_at - reading.now)
        return Check("quota", False, f"The quota lets it go on {moment(delivery.due_at)}, in {wait}.", delivery.says)
    return Check("quota", True, "No quota is known to stop it.")


def attempts(reading: Reading) -> Check:
    delivery, tries = reading.delivery, reading.attempts
    if not tries:
        return Check("attempts", None, "Nothing was sent yet.")
    count = "One attempt was made" if len(tries) == 1 else f"{len(tries)} attempts were made"
    detail = "\n".join(line_of(attempt) for attempt in tries)
    return Check("attempts", delivery.state == "delivered", f"{count}; the last came to: {tries[-1].outcome}.", detail)


def line_of(attempt: Attempt) -> str:
    words = " ".join(filter(None, (attempt.reason, attempt.says, attempt.reference)))
    return f"{attempt.number}, {moment(attempt.started_at)}: {attempt.outcome}{f' ({words})' if words else ''}"


def next_try(reading: Reading, told: Shown) -> Check:
    due = reading.delivery.due_at
    if told.state == "held":
        return Check("next_try", None, "It goes as soon as the cause is gone.", told.action)
    if told.state != "waiting" or due is None:
        return Check("next_try", None, STATES[told.state], told.action)
    if due <= reading.now:
        return Check("next_try", True, f"It is due since {moment(due)}; the worker takes it next.")
    return Check("next_try", True, f"It goes again on {moment(due)}, in {span(due - reading.now)}.", told.action)
