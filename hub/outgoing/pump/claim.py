"""Claim lanes and what is due on them, in one short transaction; the attempt is counted here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery

from connectors.registry import CONNECTORS
from hub.connections.models import Connection, Lane
from hub.outgoing.models import Attempt, Delivery

LEASE = timedelta(seconds=12)
ROUNDS = 16  # a slice holds so many deliveries for each call that may be in flight at once
SLICE_MOST = 800
CRASHES_MOST = 5  # claims that ended without an outcome; then the row is dead

DUE_POSTGRESQL = """
SELECT due.id FROM unnest(%s::bigint[], %s::bigint[]) AS lane(id, most) CROSS JOIN LATERAL (
    SELECT id FROM outgoing_delivery
    WHERE connection_id = lane.id AND state = 'waiting' AND due_at <= %s ORDER BY due_at LIMIT lane.most
) AS due
"""


@dataclass(slots=True)
class Slice:
    """Some due deliveries of one lane, claimed together."""

    lane: Lane
    connection: Connection
    deliveries: list[Delivery] = field(default_factory=list)


def work_is_due(*, now: datetime) -> bool:
    return claimable(now=now).exists()


def claimable(*, now: datetime):
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return Lane.unscoped.filter(free, due_at__lte=now, held="", connection__tenant__suspended_at=None)


def claim(lease: UUID, *, now: datetime, lanes: int) -> list[Slice]:
    """At most `lanes` lanes, the oldest turn first, with a slice of what is due on each."""
    with transaction.atomic():
        rows = list(
            claimable(now=now)
            .select_for_update(of=("self",), skip_locked=True, no_key=True)
            .order_by("turn", "pk")[:lanes]
        )
        recover([lane for lane in rows if lane.lease is not None], now=now)
        ids = [lane.pk for lane in rows]
        Lane.unscoped.filter(pk__in=ids).update(lease=lease, lease_until=now + LEASE, turn=now)
        due = due_ids(most_of(rows), now=now)
        Delivery.unscoped.filter(pk__in=due, state="waiting").update(
            state="sending", lease=lease, attempts=F("attempts") + 1, moved_at=now
        )
    return slices(rows, due, lease)


def most_of(lanes: Sequence[Lane]) -> dict[int, int]:
    """How many deliveries a slice of each lane may hold: some rounds of what may be in flight, or of full batches."""
    connectors = Connection.unscoped.filter(pk__in=[lane.pk for lane in lanes]).values_list("pk", "connector")
    batch = {pk: max((action.batch for action in CONNECTORS[key].actions), default=1) for pk, key in connectors}
    return {lane.pk: min(SLICE_MOST, lane.in_flight * max(ROUNDS, batch[lane.pk])) for lane in lanes}


def due_ids(most: Mapping[int, int], *, now: datetime) -> list[int]:
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute(DUE_POSTGRESQL, [list(most), list(most.values()), now])
            return [number for (number,) in cursor.fetchall()]
    due = Delivery.unscoped.filter(state="waiting", due_at__lte=now).order_by("due_at").values_list("pk", flat=True)
    return [number for lane, count in most.items() for number in due.filter(connection_id=lane)[:count]]


def slices(lanes: Sequence[Lane], due: Sequence[int], lease: UUID) -> list[Slice]:
    connections = Connection.unscoped.select_related("credential").in_bulk([lane.pk for lane in lanes])
    found = {lane.pk: Slice(lane, connections[lane.pk]) for lane in lanes}
    rows = Delivery.unscoped.filter(pk__in=due, lease=lease, state="sending")
    for delivery in rows.select_related("event", "route", "tenant").order_by("due_at"):
        found[delivery.connection_id].deliveries.append(delivery)
    return list(found.values())


def recover(expired: Sequence[Lane], *, now: datetime) -> None:
    """Their pump died: what it was sending may have arrived, and goes again; what died too often is dead."""
    if not expired:
        return
    lost = Delivery.unscoped.filter(connection_id__in=[lane.pk for lane in expired], state="sending")
    rows = list(lost.only("pk", "attempts", "crashes"))
    Attempt.unscoped.bulk_create(
        Attempt(delivery=row, number=row.attempts, started_at=now, outcome="unknown", reason="crashed") for row in rows
    )
    dead = [row.pk for row in rows if row.crashes + 1 >= CRASHES_MOST]
    lost.filter(pk__in=dead).update(
        state="dead", reason="crashed", crashes=F("crashes") + 1, lease=None, due_at=None, moved_at=now, unsure=True
    )
    lost.update(
        state="waiting", reason="crashed", crashes=F("crashes") + 1, lease=None, due_at=now, moved_at=now, unsure=True
    )


def extend(lease: UUID, *, now: datetime) -> None:
    """The holder lives."""
    Lane.unscoped.filter(lease=lease).update(lease_until=now + LEASE)


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
