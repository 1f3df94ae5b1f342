"""Release lanes whose batches are complete: end their lease, and set when each is due again."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import Case, OuterRef, Q, Subquery, Value, When

from hub.connections.models import LANE_LEASES, Lane, QuotaQueue
from hub.db import bulk
from hub.db.prepared import PreparedQuery
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.crash_limits import SUSPECT_CRASHES
from hub.outgoing.pump.settling.waiting_queues import queues_with_deliveries

# A publisher that has not committed yet has locked its lanes (Lane.guard); those are due at once.
UNGUARDED_LANES = PreparedQuery(
    lambda *, ids, lease: (
        Lane.unscoped.filter(connection__id__any_of=ids, lease=lease)
        .select_for_update(skip_locked=True)
        .values_list("pk")
    )
)
# One index look-up for each queue: with EXISTS the planner might read all waiting deliveries.
RELEASE_SQL = """
UPDATE connections_lane AS lane SET lease = NULL, lease_until = NULL,
    due_at = CASE WHEN back.id = ANY(%s) THEN LEAST(first.due_at, queue.opens_at)
        ELSE %s::timestamptz END
FROM unnest(%s::bigint[]) AS back(id)
LEFT JOIN LATERAL (
    SELECT due_at FROM outgoing_delivery AS delivery
    WHERE connection_id = back.id AND quota_queue = 0
    AND index_state = 'waiting' AND state = 'waiting' AND due_at IS NOT NULL AND crash_count < %s
    ORDER BY due_at LIMIT 1
) AS first ON true
LEFT JOIN LATERAL (
    SELECT opens_at FROM connections_quotaqueue AS queue
    WHERE connection_id = back.id AND (
        SELECT true FROM outgoing_delivery
        WHERE quota_queue = queue.id AND quota_queue > 0
        AND index_state = 'waiting' AND state = 'waiting' LIMIT 1
    )
    ORDER BY opens_at LIMIT 1
) AS queue ON true
WHERE lane.connection_id = back.id AND lane.lease = %s
"""


def release_lanes(lease: UUID, lanes: Collection[int], *, now: datetime) -> None:
    """End the leases.

    A lane is due again with its first waiting delivery, or its first open quota queue.
    """
    if not lanes:
        return
    is_postgresql = database.vendor == "postgresql"
    update_lanes = _release_on_postgresql if is_postgresql else _release_on_sqlite
    with transaction.atomic(savepoint=False):
        unguarded_ids = [pk for (pk,) in UNGUARDED_LANES.fetch_rows(ids=list(lanes), lease=lease)]
        update_lanes(lease, lanes, unguarded_ids, now=now)


def _release_on_postgresql(
    lease: UUID, lanes: Collection[int], unguarded_ids: list[int], *, now: datetime
) -> None:
    """End the leases of `lanes`; lanes that are not in `unguarded_ids` are due now."""
    bulk.execute_in_binary_format(
        RELEASE_SQL, [unguarded_ids, now, list(lanes), SUSPECT_CRASHES, lease]
    )


def _release_on_sqlite(
    lease: UUID, lanes: Collection[int], unguarded_ids: list[int], *, now: datetime
) -> None:
    """End the leases of `lanes`; lanes that are not in `unguarded_ids` are due now."""
    waiting = Delivery.unscoped.filter(
        connection=OuterRef("pk"),
        quota_queue=0,
        state="waiting",
        due_at__isnull=False,
        crash_count__lt=SUSPECT_CRASHES,
    )
    first_due = waiting.order_by("due_at").values("due_at")[:1]
    due_at = Case(When(pk__in=unguarded_ids, then=Subquery(first_due)), default=Value(now))
    Lane.unscoped.filter(pk__in=lanes, lease=lease).update(**LANE_LEASES.released, due_at=due_at)
    for queue in queues_with_deliveries(QuotaQueue.unscoped.filter(connection__in=unguarded_ids)):
        later_due = Q(due_at=None) | Q(due_at__gt=queue.opens_at)
        Lane.unscoped.filter(later_due, pk=queue.connection_id, lease=None).update(
            due_at=queue.opens_at
        )
