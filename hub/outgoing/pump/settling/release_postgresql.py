"""Release lanes on PostgreSQL, in one statement."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from hub.db import bulk
from hub.outgoing.pump.claiming.crash_limits import SUSPECT_CRASHES

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


def update_released_lanes(
    lease: UUID, lanes: Collection[int], unguarded_ids: list[int], *, now: datetime
) -> None:
    """End the leases of `lanes`; lanes that are not in `unguarded_ids` are due now."""
    bulk.execute_in_binary_format(
        RELEASE_SQL, [unguarded_ids, now, list(lanes), SUSPECT_CRASHES, lease]
    )
