"""Write down what came of it: deliveries, attempts, exchanges, quotas, connections, in one short transaction."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When

from connectors.outcomes import Outcome
from hub.outgoing.models import Attempt, Delivery, Exchange, Rendering
from hub.outgoing.pump.claim import release
from hub.outgoing.pump.parcels import Held, Journey, Parcel, Result, Unsent
from hub.outgoing.pump.tell import rest_until, tell
from hub.outgoing.retry import SCHEDULE, next_attempt
from hub.redaction import redact_headers, redact_text

MENDABLE = {"egress_refused"}  # refused by a setting of the connection: held until that changes


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one delivery."""

    state: str
    reason: str = ""
    says: str = ""
    due_at: datetime | None = None
    returned: int = 0  # attempts given back: it cost none
    unsure: bool = False
    version: int | None = None  # of the mapping that it was rendered by


def change_after(outcome: Outcome, parcel: Parcel, *, now: datetime, random: Callable[[], float]) -> Change:
    """The state machine's next step after an outcome. Pure."""
    kind, says = outcome.kind, outcome.says[:500]
    if kind == "delivered":
        return Change("delivered")
    if kind == "never":
        return Change("held" if outcome.reason in MENDABLE else "dead", outcome.reason, says)
    if kind == "pending":
        return Change("waiting", outcome.reason, says, now + timedelta(seconds=outcome.after or 10.0), returned=1)
    if kind in ("refresh", "reconnect", "disable"):  # the lane is held by its connection, so it waits there
        return Change("waiting", outcome.reason, says, now, returned=1)
    if outcome.free:
        return Change("waiting", outcome.reason, says, rest_until(outcome, now=now), returned=1)
    schedule = parcel.delivery.route.retry_schedule or SCHEDULE
    unsure = kind == "unknown"
    again = next_attempt(parcel.delivery.attempts, now=now, random=random, after=outcome.after, schedule=schedule)
    if again is None:
        return Change("dead", "exhausted", says or outcome.reason, unsure=unsure)
    return Change("waiting", outcome.reason, says, again, unsure=unsure)


def settle(
    lease: UUID,
    results: Sequence[Result],
    emptied: Mapping[int, datetime | None],
    *,
    now: datetime,
    random: Callable[[], float],
) -> None:
    """Settle results of any lanes, and give back the lanes in `emptied`, each not before its moment."""
    journeys = [result for result in results if isinstance(result, Journey)]
    tell(journeys, now=now)  # first: whoever claims a lane that is given back finds its quotas paused
    with transaction.atomic():
        changes = dict(changes_of(results, now=now, random=random))
        apply(lease, changes, now=now)
        Attempt.unscoped.bulk_create(attempts_of(journeys))
        Exchange.objects.bulk_create([exchange_of(journey) for journey in journeys])
        keep_tickets(journeys)
        release(lease, emptied, now=now)


def hold(lease: UUID, held: Sequence[Held], *, now: datetime) -> None:
    """A cause of its own: these were not sent, and it cost no attempt."""
    changes = {entry.delivery.pk: Change("held", entry.reason, entry.says[:500], returned=1) for entry in held}
    apply(lease, changes, now=now)


def changes_of(
    results: Sequence[Result], *, now: datetime, random: Callable[[], float]
) -> Iterable[tuple[int, Change]]:
    for result in results:
        if isinstance(result, Unsent):
            for parcel in result.carriage.parcels:
                due = result.due_at or parcel.delivery.due_at
                yield parcel.delivery.pk, Change("waiting", result.reason, "", due, 1, version=version_of(parcel))
        else:
            for parcel, outcome in zip(result.carriage.parcels, result.outcomes, strict=True):
                change = change_after(outcome, parcel, now=now, random=random)
                says = redact_text(change.says, result.load.secrets)[:500]
                yield parcel.delivery.pk, replace(change, says=says, version=version_of(parcel))


def version_of(parcel: Parcel) -> int | None:
    return parcel.delivery.mapping_version_id


def apply(lease: UUID, changes: dict[int, Change], *, now: datetime) -> None:
    """One statement for each kind of change; a row whose lease was lost stays as its new holder has it."""
    for alike, group in itertools.groupby(sorted(changes.items(), key=kind_of), key=kind_of):
        rows = dict(group)
        state, reason, returned, unsure, version = alike
        mine = Delivery.unscoped.filter(pk__in=rows, lease=lease, state="sending")
        values = {"state": state, "reason": reason, "lease": None, "moved_at": now}
        values["due_at"] = by_row(rows, "due_at") if state == "waiting" else None
        values["says"] = by_row(rows, "says") if any(row.says for row in rows.values()) else ""
        if returned:
            values["attempts"] = F("attempts") - returned
        if unsure:
            values["unsure"] = True
        if version:
            values["mapping_version"] = version
        mine.update(**values)


def kind_of(entry: tuple[int, Change]) -> tuple[str, str, int, bool, int]:
    change = entry[1]
    return change.state, change.reason, change.returned, change.unsure, change.version or 0


def by_row(rows: dict[int, Change], name: str) -> Case:
    field = Delivery._meta.get_field(name)
    whens = [When(pk=pk, then=Value(getattr(change, name), output_field=field)) for pk, change in rows.items()]
    return Case(*whens, output_field=field)


def attempts_of(journeys: Sequence[Journey]) -> list[Attempt]:
    return [
        Attempt(
            delivery=parcel.delivery,
            number=parcel.delivery.attempts,
            started_at=journey.started_at,
            milliseconds=journey.milliseconds,
            outcome=outcome.kind,
            reason=outcome.reason[:60],
            says=redact_text(outcome.says, journey.load.secrets)[:500],
            reference=outcome.reference[:200],
            exchange=journey.carriage.id,
        )
        for journey in journeys
        for parcel, outcome in zip(journey.carriage.parcels, journey.outcomes, strict=True)
    ]


def exchange_of(journey: Journey) -> Exchange:
    """As evidence: redacted, and of the answer only what was kept."""
    request, response, secrets = journey.carriage.request, journey.response, journey.load.secrets
    return Exchange(
        id=journey.carriage.id,
        at=journey.started_at,
        method=request.method,
        url=redact_text(request.url, secrets),
        request_headers=redact_headers(request.all_headers(), secrets),
        request_body=redact_text(request.content().decode("utf-8", "replace"), secrets).encode(),
        status=response and response.status,
        response_headers=redact_headers(response.headers, secrets) if response else {},
        response_body=redact_text(response.text(), secrets).encode() if response else b"",
        error=journey.error[:60],
    )


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
