"""Write down what came of it: deliveries, attempts, exchanges, quotas, connections, in one short transaction."""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from connectors.outcomes import PERMISSION_MISSING, Outcome
from hub import rows
from hub.failpoints import failpoint
from hub.outgoing.models import Attempt, Delivery, Exchange, Rendering
from hub.outgoing.order import promote
from hub.outgoing.pump.due import Due
from hub.outgoing.pump.evidence import attempt_columns, exchange_columns
from hub.outgoing.pump.parcels import Held, Journey, Parcel, Result, Unsent
from hub.outgoing.pump.queues import queue_what_is_throttled
from hub.outgoing.pump.release import release
from hub.outgoing.pump.tell import rest_until, tell
from hub.outgoing.pump.weigh import last_failures, weigh
from hub.outgoing.retry import SCHEDULE, next_attempt
from hub.redaction import redact_excerpt

SAYS_MOST = 500  # characters
MENDABLE = {"egress_refused", PERMISSION_MISSING}  # refused by how it is connected: held until that changes


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one delivery."""

    state: str
    reason: str = ""
    detail: str = ""
    due_at: datetime | None = None
    returned: int = 0  # attempts given back: it cost none
    possibly_delivered: bool = False
    survived: bool = False  # it was sent, and the pump lives
    quota_queue: int = 0  # in which it waits for a quota


ARRIVED = Change("delivered", survived=True)  # nearly all, so it is made once


def change_after(outcome: Outcome, parcel: Parcel, *, now: datetime, random: Callable[[], float]) -> Change:
    """The state machine's next step after an outcome. Pure."""
    kind, detail = outcome.kind, outcome.detail
    if kind == "delivered":
        return ARRIVED
    if kind == "never":
        return Change("held" if outcome.reason in MENDABLE else "failed", outcome.reason, detail)
    if kind == "pending":
        return Change("waiting", outcome.reason, detail, now + timedelta(seconds=outcome.after or 10.0), returned=1)
    if kind in ("refresh", "reconnect", "disable"):  # the lane is held by its connection, so it waits there
        return Change("waiting", outcome.reason, detail, now, returned=1)
    if outcome.free:
        return Change("waiting", outcome.reason, detail, rest_until(outcome, now=now), returned=1)
    schedule = parcel.delivery.route.retry_schedule or SCHEDULE
    possibly_delivered = kind == "unknown"
    if possibly_delivered and parcel.delivery.route.holds_unknown:
        return Change("held", "unknown_effect", detail or outcome.reason, possibly_delivered=True)
    again = next_attempt(parcel.delivery.attempt_count, now=now, random=random, after=outcome.after, schedule=schedule)
    if again is None:
        return Change("failed", "exhausted", detail or outcome.reason, possibly_delivered=possibly_delivered)
    return Change("waiting", outcome.reason, detail, again, possibly_delivered=possibly_delivered)


def settle(
    lease: UUID,
    results: Sequence[Result],
    emptied: Collection[int],
    *,
    now: datetime,
    random: Callable[[], float],
) -> Counter[tuple[str, str]]:
    """Settle results of any lanes, and give back the lanes in `emptied`.

    Gives what there was of each kind, by name and label, for the tally.
    """
    journeys = [result for result in results if isinstance(result, Journey)]
    tell(journeys, now=now)  # first: whoever claims a lane that is given back finds its quotas paused
    queue_what_is_throttled(results, now=now)
    changes = list(changes_of(results, now=now, random=random))
    attempts, exchanges = attempt_columns(journeys), exchange_columns(journeys)  # redacted while nobody waits
    failures = last_failures(journeys)
    with transaction.atomic():
        owned = apply(lease, changes, now=now)
        failpoint("O6")  # in the middle of settling
        let_follow(changes, now=now)
        with rows.together():
            rows.insert(Attempt, attempts)
            rows.insert(Exchange, exchanges)
        keep_tickets(journeys)
        weigh(journeys, failures, now=now)
        release(lease, emptied, now=now)
    return counts_of(results, now=now) + Counter({("lease_losses", ""): len(changes) - owned})


def hold(lease: UUID, held: Sequence[Held], *, now: datetime) -> None:
    """A cause of its own: these were not sent, and it cost no attempt."""
    apply(
        lease,
        [(entry.delivery, Change("held", entry.reason, entry.detail[:500], returned=1)) for entry in held],
        now=now,
    )


def changes_of(
    results: Sequence[Result], *, now: datetime, random: Callable[[], float]
) -> Iterable[tuple[Due, Change]]:
    for result in results:
        if isinstance(result, Unsent):
            for parcel in result.carriage.parcels:
                due, throttled = result.due_at or parcel.delivery.due_at, result.reason == "throttled"
                queue = result.carriage.returns_to if throttled else parcel.delivery.quota_queue
                yield parcel.delivery, Change("waiting", result.reason, "", due, returned=1, quota_queue=queue)
        else:
            for parcel, outcome in zip(result.carriage.parcels, result.outcomes, strict=True):
                change = change_after(outcome, parcel, now=now, random=random)
                if change is not ARRIVED:
                    detail = redact_excerpt(change.detail, SAYS_MOST, result.load.secrets)
                    queue = result.carriage.returns_to if outcome.pauses and change.state == "waiting" else 0
                    change = replace(change, detail=detail, survived=True, quota_queue=queue)
                yield parcel.delivery, change


def counts_of(results: Sequence[Result], *, now: datetime) -> Counter[tuple[str, str]]:
    """Attempts by outcome; and what a quota sent back, with the milliseconds that it waits."""
    journeys = (result for result in results if isinstance(result, Journey))
    counts = Counter(("attempts", outcome.kind) for journey in journeys for outcome in journey.outcomes)
    for result in results:
        if isinstance(result, Unsent) and result.reason == "throttled" and result.due_at:
            parcels = len(result.carriage.parcels)
            wait = max(timedelta(), result.due_at - now) // timedelta(milliseconds=1)
            counts.update({("quota_waits", ""): parcels, ("quota_wait_ms", ""): parcels * wait})
    return counts


def apply(lease: UUID, changes: Sequence[tuple[Due, Change]], *, now: datetime) -> int:
    """All in one statement; a row whose lease was lost stays as its new holder has it. Gives how many were ours."""
    columns = {
        "state": [change.state for _, change in changes],
        "reason": [change.reason for _, change in changes],
        "detail": [change.detail for _, change in changes],
        "due_at": [change.due_at for _, change in changes],
        "quota_queue": [change.quota_queue for _, change in changes],
        "attempt_count": [delivery.attempt_count - change.returned for delivery, change in changes],
        "crash_count": [
            0 if change.survived and change.state == "waiting" else row.crash_count for row, change in changes
        ],
        "possibly_delivered": [
            delivery.possibly_delivered or change.possibly_delivered for delivery, change in changes
        ],
        "mapping_version": [delivery.version for delivery, _ in changes],
        "lease": [None] * len(changes),
        "state_changed_at": [now] * len(changes),
    }
    keys = [delivery.pk for delivery, _ in changes]
    return rows.update(Delivery, keys, columns, only={"state": "sending", "lease": lease})


def let_follow(changes: Sequence[tuple[Due, Change]], *, now: datetime) -> None:
    """What stood behind those of ordered routes that have arrived."""
    arrived = [row.pk for row, change in changes if row.position is not None and change.state == "delivered"]
    if arrived:
        promote(arrived, now=now)


def keep_tickets(journeys: Sequence[Journey]) -> None:
    """What is taken and not yet confirmed is asked about by its ticket; what goes again has none."""
    tickets = {
        parcel.delivery.pk: outcome.ticket
        for journey in journeys
        for parcel, outcome in zip(journey.carriage.parcels, journey.outcomes, strict=True)
        if outcome.ticket or parcel.message.ticket
    }
    for ticket, group in itertools.groupby(sorted(tickets, key=tickets.__getitem__), key=tickets.__getitem__):
        Rendering.objects.filter(delivery_id__in=list(group)).update(ticket=ticket)
