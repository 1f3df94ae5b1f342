"""Release lanes on SQLite: the rules of release_postgresql, in a few statements of the ORM."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Case, OuterRef, Q, Subquery, Value, When

from hub.connections.models import LANE_LEASES, Lane, QuotaQueue
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.crash_limits import SUSPECT_CRASHES
from hub.outgoing.pump.settling.waiting_queues import queues_with_deliveries


def update_released_lanes(
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
