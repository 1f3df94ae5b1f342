"""Give lanes back when their slices are served."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import Case, OuterRef, Subquery, Value, When

from hub import rows
from hub.asked import Asked
from hub.connections.models import Lane
from hub.outgoing.models import Delivery
from hub.outgoing.pump.due import CRASHES_FEW

RELEASE_POSTGRESQL = """
UPDATE connections_lane AS lane SET lease = NULL, lease_until = NULL,
    due_at = CASE WHEN known.due_at < back.moment THEN back.moment ELSE known.due_at END
FROM unnest(%s::bigint[], %s::timestamptz[]) AS back(id, moment)
LEFT JOIN LATERAL (
    SELECT due_at FROM outgoing_delivery AS delivery
    WHERE connection_id = back.id AND stage = 'waiting' AND state = 'waiting' AND due_at IS NOT NULL AND crashes < %s
    ORDER BY due_at LIMIT 1
) AS first ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN back.id = ANY(%s) THEN first.due_at ELSE %s::timestamptz END AS due_at
) AS known
WHERE lane.connection_id = back.id AND lane.lease = %s
"""
# A publisher that has not committed yet holds its lanes (Lane.guard): those are looked at again at once.
FREE = Asked(
    lambda *, ids, lease: (
        Lane.unscoped.filter(connection__id__among=ids, lease=lease)
        .select_for_update(skip_locked=True)
        .values_list("pk")
    )
)


def release(lease: UUID, lanes: Mapping[int, datetime | None], *, now: datetime) -> None:
    """Give lanes back, due again when the first of what waits on them is, but not before the lane's moment."""
    if not lanes:
        return
    with transaction.atomic(savepoint=False):
        free = [pk for (pk,) in FREE.rows(ids=list(lanes), lease=lease)]
        if database.vendor == "postgresql":
            told = [list(lanes), list(lanes.values()), CRASHES_FEW, free, now, lease]
            rows.execute(RELEASE_POSTGRESQL, told)
        else:
            one_by_one(lease, lanes, free, now=now)


def one_by_one(lease: UUID, lanes: Mapping[int, datetime | None], free: list[int], *, now: datetime) -> None:
    """The same on SQLite."""
    waiting = Delivery.unscoped.filter(
        connection=OuterRef("pk"), state="waiting", due_at__isnull=False, crashes__lt=CRASHES_FEW
    )
    first = waiting.order_by("due_at").values("due_at")[:1]
    due_at = Case(When(pk__in=free, then=Subquery(first)), default=Value(now))
    Lane.unscoped.filter(pk__in=lanes, lease=lease).update(lease=None, lease_until=None, due_at=due_at)
    for moment in {moment for moment in lanes.values() if moment}:
        resting = [pk for pk, until in lanes.items() if until == moment]
        Lane.unscoped.filter(pk__in=resting, lease=None, due_at__lt=moment).update(due_at=moment)
