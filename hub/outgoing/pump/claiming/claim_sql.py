"""Take what is due on claimed lanes with all that is needed of it: one statement on PostgreSQL, a few on SQLite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models import F, QuerySet, Subquery

from hub.connections.models import KillSwitch, QuotaQueue
from hub.db import bulk
from hub.outgoing.models import Delivery, EventBody, Rendering, Route
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.queue.ordering import select_same_key
from tenants.models import Tenant

SUSPECT_CRASHES = 2  # from so many on a row is a suspect, and is not claimed together with what is above suspicion

# Why a row that is due does not go: it is too late, switched off, or another of its key stands before it.
SKIP_REASON_SQL = """
CASE
    WHEN expires_at <= %s THEN 'expired'
    WHEN route_id IN (SELECT route_id FROM connections_killswitch WHERE scope = 'route') THEN 'route_off'
    WHEN tenant_id IN (SELECT tenant_id FROM connections_killswitch WHERE scope = 'tenant') THEN 'switched_off'
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
# What waits in no queue, the longest due first; and what waits for quotas, of each queue that is open the oldest.
DUE_OF_LANES_SQL = f"""
SELECT first.id, first.skip_reason FROM unnest(%s::bigint[], %s::bigint[]) AS lane(id, most) CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT row.id, {SKIP_REASON_SQL} FROM connections_quotaqueue AS queue CROSS JOIN LATERAL (
            SELECT * FROM outgoing_delivery
            WHERE quota_queue = queue.id AND quota_queue > 0 AND index_state = 'waiting' AND state = 'waiting'
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
CLAIM_POSTGRESQL = """
WITH due AS ({due}), skipped AS (
    UPDATE outgoing_delivery AS delivery
    SET state = CASE skip_reason WHEN 'expired' THEN 'failed' WHEN 'behind' THEN 'waiting' ELSE 'held' END,
        reason = CASE skip_reason WHEN 'behind' THEN reason ELSE skip_reason END,
        state_changed_at = CASE skip_reason WHEN 'behind' THEN state_changed_at ELSE %s END,
        due_at = NULL, quota_queue = 0
    FROM due WHERE delivery.id = due.id AND skip_reason <> '' AND delivery.state = 'waiting'
), claimed AS (
    UPDATE outgoing_delivery AS delivery
    SET state = 'sending', lease = %s, attempt_count = attempt_count + 1, state_changed_at = %s
    FROM due WHERE delivery.id = due.id AND skip_reason = '' AND delivery.state = 'waiting'
    RETURNING delivery.id, connection_id, tenant_id, route_id, message_uuid, attempt_count, possibly_delivered,
        low_priority, due_at, event_id, position, expires_at, crash_count, quota_queue
)
SELECT claimed.*, event.type, event.sender_id, event.occurred_at, event_body.body, rendering.body, rendering.version_id, rendering.ticket
FROM claimed JOIN outgoing_event AS event ON event.id = claimed.event_id
LEFT JOIN outgoing_eventbody AS event_body ON event_body.event_id = event.id
LEFT JOIN outgoing_rendering AS rendering ON rendering.delivery_id = claimed.id
ORDER BY claimed.quota_queue = 0, CASE claimed.quota_queue WHEN 0 THEN claimed.due_at END, claimed.id
"""
DELIVERY_COLUMNS = (
    "pk", "connection_id", "tenant_id", "route_id", "message_uuid", "attempt_count", "possibly_delivered",
    "low_priority", "due_at", "event_id", "position", "expires_at", "crash_count", "quota_queue",
)  # fmt: skip
EVENT_COLUMNS = ("event__type", "event__sender_id", "event__occurred_at")


@dataclass(slots=True)
class ClaimedDelivery:
    """One claimed delivery, with its event and what was rendered before."""

    pk: int
    connection_id: int
    tenant: Tenant
    route: Route
    message_uuid: UUID
    attempt_count: int  # this one is counted
    possibly_delivered: bool
    low_priority: bool  # it leaves room for live work
    due_at: datetime
    event_id: int
    position: int | None
    expires_at: datetime | None
    crash_count: int
    quota_queue: int  # from which it was claimed; 0: from none
    type: str
    sender_id: str
    occurred_at: datetime
    event_body: bytes | None  # the event's body; None: pruned
    rendered_body: bytes | None  # the rendering; None: not yet
    version: int | None  # of the mapping that made it
    ticket: str | None

    @property
    def message_id(self) -> str:
        return f"msg_{self.message_uuid.hex}"


def claim_due_deliveries(
    limits: Mapping[int, int], lease: UUID, config: ConfigCache, *, now: datetime
) -> list[ClaimedDelivery]:
    """Take, on each lane, at most so many deliveries that are due, the longest due first."""
    if not limits:
        return []
    if database.vendor == "postgresql":
        parameters = [list(limits), list(limits.values()), now, now, now, now, SUSPECT_CRASHES]
        return _build_claimed_deliveries(
            bulk.fetch_rows(
                CLAIM_POSTGRESQL.format(due=DUE_OF_LANES_SQL), [*parameters, now, lease, now]
            ),
            config,
        )
    due_ids = _find_due_deliveries(limits, now=now)
    return _build_claimed_deliveries(_claim_sqlite(due_ids, lease, now=now), config)


def claim_deliveries_by_id(
    delivery_ids: Sequence[int], lease: UUID, config: ConfigCache, *, now: datetime
) -> list[ClaimedDelivery]:
    if database.vendor == "postgresql":
        statement = CLAIM_POSTGRESQL.format(due=DUE_BY_ID_SQL)
        return _build_claimed_deliveries(
            bulk.fetch_rows(statement, [now, list(delivery_ids), now, lease, now]), config
        )
    return _build_claimed_deliveries(_claim_sqlite(delivery_ids, lease, now=now), config)


def _build_claimed_deliveries(
    claimed_rows: Sequence[tuple[Any, ...]], config: ConfigCache
) -> list[ClaimedDelivery]:
    config.load(tenants={row[2] for row in claimed_rows}, routes={row[3] for row in claimed_rows})
    tenants, routes = config.tenants, config.routes
    return [
        ClaimedDelivery(pk, lane, tenants[tenant], routes[route], *columns)
        for pk, lane, tenant, route, *columns in claimed_rows
    ]


# --- SQLite ----------------------------------------------------------------------------------------------------------


def _list_ids(deliveries: QuerySet[Delivery]) -> Sequence[int]:
    return deliveries.values_list("pk", flat=True)


def _find_due_deliveries(limits: Mapping[int, int], *, now: datetime) -> list[int]:
    """As OF_LANES says it."""
    waiting = Delivery.unscoped.filter(state="waiting")
    unqueued_deliveries = waiting.filter(
        quota_queue=0, due_at__lte=now, crash_count__lt=SUSPECT_CRASHES
    ).order_by("due_at", "pk")
    queued_ids: dict[int, list[int]] = {lane: [] for lane in limits}
    for queue in QuotaQueue.unscoped.filter(connection__in=list(limits), opens_at__lte=now):
        oldest = waiting.filter(quota_queue=queue.pk, quota_queue__gt=0).order_by("pk")
        queued_ids[queue.connection_id] += _list_ids(oldest[: queue.width])
    due_ids = []
    for lane, limit in limits.items():
        lane_ids = [
            *sorted(queued_ids[lane])[:limit],
            *_list_ids(unqueued_deliveries.filter(connection_id=lane)[:limit]),
        ]
        due_ids += lane_ids[: 1 if limit == 1 else 2 * limit]
    return due_ids


def _claim_sqlite(
    due_ids: Sequence[int], lease: UUID, *, now: datetime
) -> Sequence[tuple[Any, ...]]:
    _skip_deliveries(due_ids, now=now)
    Delivery.unscoped.filter(pk__in=due_ids, state="waiting", due_at__isnull=False).update(
        state="sending", lease=lease, attempt_count=F("attempt_count") + 1, state_changed_at=now
    )
    claimed_rows = list(
        Delivery.unscoped.filter(pk__in=due_ids, lease=lease)
        .order_by("due_at", "pk")
        .values_list(*DELIVERY_COLUMNS, *EVENT_COLUMNS)
    )
    positions = {pk: position for position, pk in enumerate(due_ids)}
    claimed_rows.sort(
        key=lambda row: positions[row[0]] if row[13] else len(positions)
    )  # queues first, each as it was read
    bodies = dict(
        EventBody.objects.filter(event_id__in={row[9] for row in claimed_rows}).values_list(
            "event_id", "body"
        )
    )
    renderings = Rendering.objects.in_bulk([row[0] for row in claimed_rows])
    return [
        (*row, bodies.get(row[9]), *_rendering_columns(renderings.get(row[0])))
        for row in claimed_rows
    ]


def _skip_deliveries(due_ids: Sequence[int], *, now: datetime) -> None:
    """As STAYS says it."""
    head = Subquery(select_same_key().order_by("position").values("position")[:1])
    waiting = Delivery.unscoped.filter(pk__in=due_ids, state="waiting")
    behind = _list_ids(waiting.filter(position__gt=head))
    Delivery.unscoped.filter(pk__in=list(behind)).update(due_at=None, quota_queue=0)
    waiting.filter(expires_at__lte=now).update(
        state="failed", reason="expired", due_at=None, quota_queue=0, state_changed_at=now
    )
    switches = KillSwitch.unscoped.all()
    for reason, scope in (("route_off", "route"), ("switched_off", "tenant")):
        switched_off_ids = switches.filter(scope=scope).values(scope)
        waiting.filter(**{f"{scope}__in": switched_off_ids}).update(
            state="held", reason=reason, due_at=None, quota_queue=0, state_changed_at=now
        )


def _rendering_columns(rendering: Rendering | None) -> tuple[bytes | None, int | None, str | None]:
    return (
        (rendering.body, rendering.version_id, rendering.ticket)
        if rendering
        else (None, None, None)
    )
