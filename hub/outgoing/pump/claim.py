"""Claim lanes and what is due on them, in one short transaction; the attempt is counted here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery

from connectors.registry import CONNECTORS
from hub import tally
from hub.connections.models import Connection, Lane
from hub.failpoints import failpoint
from hub.outgoing.models import Attempt, Delivery
from hub.outgoing.pump.due import Due, take

LEASE = timedelta(seconds=12)
ROUNDS = 16  # a slice holds so many deliveries for each call that may be in flight at once
SLICE_MOST = 800
CRASHES_MOST = 5  # claims that ended without an outcome; then the row is dead


@dataclass(slots=True)
class Slice:
    """Some due deliveries of one lane, claimed together."""

    lane: Lane
    connection: Connection
    deliveries: list[Due] = field(default_factory=list)


def work_is_due(*, now: datetime) -> bool:
    return claimable(now=now).exists()


def claimable(*, now: datetime):
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return Lane.unscoped.filter(free, due_at__lte=now, held="", connection__tenant__suspended_at=None)


def claim(lease: UUID, *, now: datetime, lanes: int) -> list[Slice]:
    """At most `lanes` lanes, the oldest turn first, with a slice of what is due on each."""
    with transaction.atomic():
        claimed = list(
            claimable(now=now)
            .select_for_update(of=("self",), skip_locked=True, no_key=True)
            .order_by("turn", "pk")[:lanes]
        )
        recover([lane for lane in claimed if lane.lease is not None], now=now)
        ids = [lane.pk for lane in claimed]
        Lane.unscoped.filter(pk__in=ids).update(lease=lease, lease_until=now + LEASE, turn=now)
        connections = Connection.unscoped.select_related("credential").in_bulk(ids)
        slices = {lane.pk: Slice(lane, connections[lane.pk]) for lane in claimed}
        for delivery in take({pk: most_of(slice) for pk, slice in slices.items()}, lease, now=now):
            slices[delivery.connection_id].deliveries.append(delivery)
    failpoint("O1")  # after the claim's commit
    return list(slices.values())


def most_of(slice: Slice) -> int:
    """How many deliveries a slice may hold: some rounds of what may be in flight, or of full batches."""
    connector = CONNECTORS.get(slice.connection.connector)
    batch = max((action.batch for action in connector.actions), default=1) if connector else 1
    return min(SLICE_MOST, slice.lane.in_flight * max(ROUNDS, batch))


def recover(expired: Sequence[Lane], *, now: datetime) -> None:
    """Their pump died: what it was sending may have arrived, and goes again; what died too often is dead."""
    if not expired:
        return
    lost = Delivery.unscoped.filter(connection_id__in=[lane.pk for lane in expired], state="sending")
    rows = list(lost.only("pk", "attempts", "crashes"))
    Attempt.unscoped.bulk_create(
        Attempt(delivery=row, number=row.attempts, started_at=now, outcome="unknown", reason="crashed") for row in rows
    )
    tally.add({("attempts", "unknown"): len(rows), ("crashes", ""): len(rows)})
    dead = [row.pk for row in rows if row.crashes + 1 >= CRASHES_MOST]
    lost.filter(pk__in=dead).update(
        state="dead", reason="crashed", crashes=F("crashes") + 1, lease=None, due_at=None, moved_at=now, unsure=True
    )
    lost.update(
        state="waiting", reason="crashed", crashes=F("crashes") + 1, lease=None, due_at=now, moved_at=now, unsure=True
    )


def extend(lease: UUID, lanes: Collection[int], *, now: datetime) -> None:
    """The holder lives. It names what it knows to hold: of a claim whose answer was lost, nobody extends the lease."""
    Lane.unscoped.filter(lease=lease, pk__in=lanes).update(lease_until=now + LEASE)


def release(lease: UUID, lanes: Mapping[int, datetime | None], *, now: datetime) -> None:
    """Give lanes back, due again when the first of what waits on them is, but not before the lane's moment."""
    if not lanes:
        return
    first = Delivery.unscoped.filter(connection=OuterRef("pk"), state="waiting").order_by("due_at").values("due_at")[:1]
    with transaction.atomic():
        mine = Lane.unscoped.filter(pk__in=lanes, lease=lease)
        # A publisher that has not committed yet holds its lanes (Lane.guard): those are looked at again at once.
        free = list(mine.select_for_update(skip_locked=True).values_list("pk", flat=True))
        mine.filter(pk__in=free).update(lease=None, lease_until=None, due_at=Subquery(first))
        mine.update(lease=None, lease_until=None, due_at=now)
        for moment in {moment for moment in lanes.values() if moment}:
            resting = [pk for pk, until in lanes.items() if until == moment]
            Lane.unscoped.filter(pk__in=resting, lease=None, due_at__lt=moment).update(due_at=moment)
