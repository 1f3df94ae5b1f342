"""Claim rows on PostgreSQL: find, skip and claim in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.db import bulk
from hub.outgoing.pump.claiming.crash_limits import SUSPECT_CRASHES

# Why a due row is not claimed: it is expired, switched off, or behind an earlier one of its order
# key. The index state *waiting* includes *sending*: see models/index_states.py.
# claim_sqlite.transition_unsendable_rows applies the same rules.
SKIP_REASON_SQL = """
CASE
    WHEN expires_at <= %s THEN 'expired'
    WHEN route_id IN (SELECT route_id FROM connections_killswitch WHERE scope = 'route')
        THEN 'route_off'
    WHEN tenant_id IN (SELECT tenant_id FROM connections_killswitch WHERE scope = 'tenant')
        THEN 'switched_off'
    WHEN position > (
        SELECT head.position FROM outgoing_delivery AS head
        WHERE head.connection_id = row.connection_id AND head.route_id = row.route_id
        AND head.order_key = row.order_key
        AND head.position IS NOT NULL AND head.index_state IN ('waiting', 'held', 'failed')
        ORDER BY head.position LIMIT 1
    ) THEN 'behind'
    ELSE ''
END AS skip_reason
"""
# Of each lane the rows in no queue, longest due first, and the oldest rows of each open quota
# queue. claim_sqlite.find_due_deliveries selects the same rows.
DUE_OF_LANES_SQL = f"""
SELECT first.id, first.skip_reason
FROM unnest(%s::bigint[], %s::bigint[]) AS lane(id, most) CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT row.id, {SKIP_REASON_SQL}
        FROM connections_quotaqueue AS queue CROSS JOIN LATERAL (
            SELECT * FROM outgoing_delivery
            WHERE quota_queue = queue.id AND quota_queue > 0
            AND index_state = 'waiting' AND state = 'waiting'
            ORDER BY id LIMIT queue.width
        ) AS row
        WHERE queue.connection_id = lane.id AND queue.opens_at <= %s
        ORDER BY row.id LIMIT lane.most
    ) AS queued
    UNION ALL
    SELECT * FROM (
        SELECT id, {SKIP_REASON_SQL} FROM outgoing_delivery AS row
        WHERE connection_id = lane.id AND quota_queue = 0
        AND index_state = 'waiting' AND state = 'waiting' AND due_at <= %s AND crash_count < %s
        ORDER BY due_at, id LIMIT lane.most
    ) AS due
    LIMIT CASE WHEN lane.most = 1 THEN 1 ELSE 2 * lane.most END
) AS first
"""
DUE_BY_ID_SQL = f"SELECT id, {SKIP_REASON_SQL} FROM outgoing_delivery AS row WHERE id = ANY(%s)"
CLAIM_SQL = """
WITH due AS ({due}), skipped AS (
    UPDATE outgoing_delivery AS delivery
    SET state = CASE skip_reason
            WHEN 'expired' THEN 'failed' WHEN 'behind' THEN 'waiting' ELSE 'held' END,
        reason = CASE skip_reason WHEN 'behind' THEN reason ELSE skip_reason END,
        state_changed_at = CASE skip_reason WHEN 'behind' THEN state_changed_at ELSE %s END,
        due_at = NULL, quota_queue = 0
    FROM due WHERE delivery.id = due.id AND skip_reason <> '' AND delivery.state = 'waiting'
), claimed AS (
    UPDATE outgoing_delivery AS delivery
    SET state = 'sending', lease = %s, attempt_count = attempt_count + 1, state_changed_at = %s
    FROM due WHERE delivery.id = due.id AND skip_reason = '' AND delivery.state = 'waiting'
    RETURNING delivery.id, connection_id, tenant_id, route_id, message_uuid, attempt_count,
        possibly_delivered, low_priority, due_at, event_id, position, expires_at, crash_count,
        quota_queue
)
SELECT claimed.*, event.type, event.sender_id, event.occurred_at, event_body.body,
    rendering.body, rendering.version_id, rendering.ticket
FROM claimed JOIN outgoing_event AS event ON event.id = claimed.event_id
LEFT JOIN outgoing_eventbody AS event_body ON event_body.event_id = event.id
LEFT JOIN outgoing_rendering AS rendering ON rendering.delivery_id = claimed.id
ORDER BY claimed.quota_queue = 0, CASE claimed.quota_queue WHEN 0 THEN claimed.due_at END,
    claimed.id
"""


def claim_due_rows(
    max_rows_by_lane: Mapping[int, int], lease: UUID, *, now: datetime
) -> list[tuple[Any, ...]]:
    """Claim up to `max_rows_by_lane[lane]` due rows of each lane, as fields of ClaimedDelivery."""
    due_parameters = [
        list(max_rows_by_lane),
        list(max_rows_by_lane.values()),
        now,
        now,
        now,
        now,
        SUSPECT_CRASHES,
    ]
    return _claim(DUE_OF_LANES_SQL, due_parameters, lease, now=now)


def claim_rows_by_id(
    delivery_ids: Sequence[int], lease: UUID, *, now: datetime
) -> list[tuple[Any, ...]]:
    """Claim these rows by id, except those that may not be sent."""
    return _claim(DUE_BY_ID_SQL, [now, list(delivery_ids)], lease, now=now)


def _claim(
    due_sql: str, due_parameters: list[Any], lease: UUID, *, now: datetime
) -> list[tuple[Any, ...]]:
    statement = CLAIM_SQL.format(due=due_sql)
    return bulk.fetch_rows(statement, [*due_parameters, now, lease, now])
