"""Queries for quota queues: find those with waiting deliveries, delete those long empty."""

from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from hub.connections.models import QuotaQueue
from hub.db import bulk
from hub.outgoing.models import Delivery

DELETE_EMPTY_AFTER = timedelta(hours=1)

# Ids of deleted queues in which deliveries still wait: one index look for each, however many wait.
WAITING_SQL = "quota_queue > 0 AND index_state = 'waiting' AND state = 'waiting'"
MISSING_QUEUES_SQL = f"""
WITH RECURSIVE used(id) AS (
    SELECT (
        SELECT quota_queue FROM outgoing_delivery WHERE {WAITING_SQL} ORDER BY quota_queue LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT quota_queue FROM outgoing_delivery WHERE {WAITING_SQL} AND quota_queue > used.id
        ORDER BY quota_queue LIMIT 1
    )
    FROM used WHERE used.id IS NOT NULL
)
SELECT id FROM used WHERE id IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM connections_quotaqueue AS queue WHERE queue.id = used.id)
"""


def queues_with_deliveries(queues: QuerySet[QuotaQueue]) -> QuerySet[QuotaQueue]:
    """Select those of these queues in which a delivery waits.

    Uses one index look-up for each queue: with EXISTS the planner might read all waiting
    deliveries.
    """
    waiting = Delivery.unscoped.filter(
        quota_queue=OuterRef("pk"), quota_queue__gt=0, state="waiting"
    )
    return queues.alias(first=Subquery(waiting.values("pk")[:1])).filter(first__isnull=False)


def delete_empty_queues(*, now: datetime) -> None:
    """Delete queues empty for an hour; deliveries of a deleted queue wait outside of queues."""
    idle_queues = QuotaQueue.unscoped.filter(opens_at__lt=now - DELETE_EMPTY_AFTER)
    idle_queues.exclude(pk__in=queues_with_deliveries(idle_queues).values("pk")).delete()
    if missing_ids := [number for (number,) in bulk.query_rows(MISSING_QUEUES_SQL, [])]:
        Delivery.unscoped.filter(
            quota_queue__in=missing_ids, quota_queue__gt=0, state="waiting"
        ).update(quota_queue=0)
