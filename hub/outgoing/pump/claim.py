"""Claim lanes and what is due on them, in one short transaction; the attempt is counted here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from connectors.registry import CONNECTORS
from hub import rows, tally
from hub.asked import Asked
from hub.connections.models import BREAKER, Connection, Credential, Lane
from hub.failpoints import failpoint
from hub.outgoing.models import Attempt, Delivery
from hub.outgoing.pump.due import CRASHES_FEW, Due, take, take_these
from hub.outgoing.pump.reading import Reading
from hub.outgoing.pump.strides import NARROW, WIDE, Measure, Strides

LEASE = timedelta(seconds=12)
SLICE_MOST = 800
BEHIND = timedelta(seconds=0.25)  # for each delivery of its slice a lane stands back: who asks for little waits little
CRASHES_MOST = 5  # claims in a row that ended without an outcome; then the row is failed
COHORT = 32  # suspects that go together the first time; after that each goes alone


@dataclass(slots=True)
class Slice:
    """Some due deliveries of one lane, claimed together."""

    lane: Lane
    connection: Connection
    deliveries: list[Due] = field(default_factory=list)


def work_is_due(*, now: datetime) -> bool:
    return bool(ANY_LANE.rows(now=now))


def claimable(*, now: datetime) -> QuerySet[Lane]:
    return free(going(now=now), now=now).filter(due_at__lte=now)


def going(*, now: datetime) -> QuerySet[Lane]:
    """Lanes that nothing holds; one whose breaker has rested is open for a probe."""
    unheld = Q(hold_reason="") | Q(hold_reason=BREAKER, open_until__lte=now)
    return Lane.unscoped.filter(unheld, switched_off_by="", connection__tenant__suspended_at=None)


def free(lanes: QuerySet[Lane], *, now: datetime) -> QuerySet[Lane]:
    return lanes.filter(Q(lease_until=None) | Q(lease_until__lt=now))


def in_hand() -> QuerySet[Delivery]:
    """What is being sent: it stands on lanes that a pump holds, and those are few."""
    return Delivery.unscoped.filter(state="sending", connection__lane__lease__isnull=False)


ANY_LANE = Asked(lambda *, now: claimable(now=now).values_list("pk")[:1])
OLDEST_TURNS = {
    NARROW: Asked(lambda *, now: in_turn(claimable(now=now), NARROW.lanes)),
    WIDE: Asked(lambda *, now: in_turn(claimable(now=now), WIDE.lanes)),
}
CONNECTIONS = Asked(lambda *, ids: Connection.unscoped.filter(id__among=ids))
CREDENTIALS = Asked(lambda *, ids: Credential.unscoped.filter(connection__id__among=ids))


def claim(lease: UUID, reading: Reading, strides: Strides, *, now: datetime) -> list[Slice]:
    """Lanes with a slice of what is due on each, the oldest turn first, until they hold a claim's measure."""
    measure = strides.measure(now=now)
    with transaction.atomic():
        lanes = OLDEST_TURNS[measure].models(now=now)
        recover(lanes, now=now)
        slices = slices_of(measured(lanes, measure, strides))
        most = {pk: most_of(slice, strides.of(pk)) for pk, slice in slices.items()}
        lade(slices, take(most, lease, reading, now=now))
        lease_out(lease, slices, now=now)
    failpoint("O1")  # after the claim's commit
    strides.saw((len(slice.deliveries) > slice.lane.in_flight for slice in slices.values()), now=now)
    return list(slices.values())


def measured(lanes: list[Lane], measure: Measure, strides: Strides) -> list[Lane]:
    """So many that they hold the measure and no more; one at least."""
    room = accumulate(lane.in_flight * strides.of(lane.pk) for lane in lanes)
    return [lane for lane, rows in zip(lanes, room, strict=True) if rows <= measure.deliveries] or lanes[:1]


def in_turn(lanes: QuerySet[Lane], most: int) -> QuerySet[Lane]:
    """Nobody else claims these until the transaction ends."""
    return lanes.select_for_update(of=("self",), skip_locked=True, no_key=True).order_by("virtual_time", "pk")[:most]


def slices_of(lanes: Sequence[Lane]) -> dict[int, Slice]:
    ids = [lane.pk for lane in lanes]
    connections = {connection.pk: connection for connection in CONNECTIONS.models(ids=ids)}
    for credential in CREDENTIALS.models(ids=ids):
        credential.connection = connections[credential.connection_id]  # and it is that one's credential
    return {lane.pk: Slice(lane, connections[lane.pk]) for lane in lanes}


def lade(slices: Mapping[int, Slice], taken: Sequence[Due]) -> None:
    for delivery in taken:
        slices[delivery.connection_id].deliveries.append(delivery)


def lease_out(lease: UUID, slices: Mapping[int, Slice], *, now: datetime) -> None:
    count = len(slices)
    columns = {
        "lease": [lease] * count,
        "lease_until": [now + LEASE] * count,
        "virtual_time": [now + BEHIND * len(slice.deliveries) for slice in slices.values()],
        # due, whatever is taken: so it is found, and recovered, when its pump dies
        "due_at": [now] * count,
    }
    rows.update(Lane, list(slices), columns)


def turn_back(lease: UUID, sent: Mapping[int, int], *, now: datetime) -> None:
    """Of lanes of which some deliveries wait for a quota: what they were not given does not put them back in turn."""
    if sent:
        turns = [now + BEHIND * count for count in sent.values()]
        rows.update(Lane, list(sent), {"virtual_time": turns}, only={"lease": lease})


def most_of(slice: Slice, rounds: int) -> int:
    """How many deliveries a slice may hold: some rounds of what may be in flight, or of full batches.

    One where it is to show whether the endpoint is up again.
    """
    if slice.lane.hold_reason == BREAKER:
        return 1
    connector = CONNECTORS.get(slice.connection.connector_key)
    batch = max((action.batch for action in connector.actions), default=1) if connector else 1
    return min(SLICE_MOST, slice.lane.in_flight * max(rounds, batch))


# --- what may have killed the pumps before ---------------------------------------------------------------------------


def suspects(*, now: datetime) -> QuerySet[Delivery]:
    """What was in flight at several deaths in a row; the pump has nothing else in its hands while it sends these."""
    return Delivery.unscoped.filter(state="waiting", due_at__lte=now, crash_count__gte=CRASHES_FEW)


ANY_SUSPECT = Asked(lambda *, now: suspects(now=now).filter(connection__lane__in=going(now=now)).values_list("pk")[:1])


def suspects_wait(*, now: datetime) -> bool:
    return bool(ANY_SUSPECT.rows(now=now))


def claim_suspects(lease: UUID, reading: Reading, *, now: datetime) -> list[Slice]:
    """Some that died together for the second time, or one of which more is known."""
    with transaction.atomic():
        theirs = suspects(now=now).filter(connection=OuterRef("pk"))
        lanes = {lane.pk: lane for lane in in_turn(free(going(now=now), now=now).filter(Exists(theirs)), COHORT)}
        recover(list(lanes.values()), now=now)
        worst = suspects(now=now).filter(connection__in=lanes).order_by("-crash_count", "due_at")
        chosen = list(worst.values_list("pk", "connection", "crash_count")[:COHORT])
        if chosen and chosen[0][2] > CRASHES_FEW:
            chosen = chosen[:1]
        served = {connection for _, connection, _ in chosen}
        slices = slices_of([lane for pk, lane in lanes.items() if pk in served])
        lade(slices, take_these([pk for pk, _, _ in chosen], lease, reading, now=now))
        lease_out(lease, slices, now=now)
    return list(slices.values())


def recover(lanes: Sequence[Lane], *, now: datetime) -> None:
    """Where a pump died: what it was sending may have arrived, and goes again; what died too often is failed."""
    expired = [lane for lane in lanes if lane.lease is not None]
    if not expired:
        return
    lost = Delivery.unscoped.filter(connection_id__in=[lane.pk for lane in expired], state="sending")
    sent = list(lost.select_related("route"))
    Attempt.unscoped.bulk_create(
        Attempt(delivery=row, number=row.attempt_count, started_at=now, outcome="unknown", reason="crashed")
        for row in sent
    )
    tally.add({("attempts", "unknown"): len(sent), ("crashes", ""): len(sent)})
    dead = [row.pk for row in sent if row.crash_count + 1 >= CRASHES_MOST]
    unknown = [row.pk for row in sent if row.route.holds_unknown]
    told = {
        "crash_count": F("crash_count") + 1,
        "lease": None,
        "state_changed_at": now,
        "possibly_delivered": True,
        "quota_queue": 0,
    }
    lost.filter(pk__in=dead).update(state="failed", reason="crashed", due_at=None, **told)
    lost.filter(pk__in=unknown).update(state="held", reason="unknown_effect", due_at=None, **told)
    lost.update(state="waiting", reason="crashed", due_at=now, **told)


def extend(lease: UUID, lanes: Collection[int], *, now: datetime) -> None:
    """The holder lives. It names what it knows to hold: of a claim whose answer was lost, nobody extends the lease."""
    Lane.unscoped.filter(lease=lease, pk__in=lanes).update(lease_until=now + LEASE)
