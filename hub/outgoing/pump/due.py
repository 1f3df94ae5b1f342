"""Take what is due on claimed lanes with all that is needed of it: one statement on PostgreSQL, a few on SQLite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models import F, QuerySet, Subquery

from hub import rows
from hub.connections.models import KillSwitch, QuotaQueue
from hub.outgoing.models import Delivery, EventBody, Rendering, Route
from hub.outgoing.order import of_the_same_key
from hub.outgoing.pump.reading import Reading
from tenants.models import Tenant

CRASHES_FEW = 2  # from so many on a row is a suspect, and is not taken together with what is above suspicion

# Why a row that is due does not go: it is too late, switched off, or another of its key stands before it.
STAYS = """
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
END AS stays
"""
# What waits in no queue, the longest due first; and what waits for quotas, of each queue that is open the oldest.
OF_LANES = f"""
SELECT first.id, first.stays FROM unnest(%s::bigint[], %s::bigint[]) AS lane(id, most) CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT row.id, {STAYS} FROM connections_quotaqueue AS queue CROSS JOIN LATERAL (
            SELECT * FROM outgoing_delivery
            WHERE quota_queue = queue.id AND quota_queue > 0 AND index_state = 'waiting' AND state = 'waiting'
            ORDER BY id LIMIT queue.width
        ) AS row
        WHERE queue.connection_id = lane.id AND queue.opens_at <= %s
        ORDER BY row.id LIMIT lane.most
    ) AS queued
    UNION ALL
    SELECT * FROM (
        SELECT id, {STAYS} FROM outgoing_delivery AS row
        WHERE connection_id = lane.id AND quota_queue = 0
        AND index_state = 'waiting' AND state = 'waiting' AND due_at <= %s AND crash_count < %s
        ORDER BY due_at, id LIMIT lane.most
    ) AS due
    LIMIT CASE WHEN lane.most = 1 THEN 1 ELSE 2 * lane.most END
) AS first
"""
OF_IDS = f"SELECT id, {STAYS} FROM outgoing_delivery AS row WHERE id = ANY(%s)"
TAKE_POSTGRESQL = """
WITH due AS ({due}), stayed AS (
    UPDATE outgoing_delivery AS delivery
    SET state = CASE stays WHEN 'expired' THEN 'failed' WHEN 'behind' THEN 'waiting' ELSE 'held' END,
        reason = CASE stays WHEN 'behind' THEN reason ELSE stays END,
        state_changed_at = CASE stays WHEN 'behind' THEN state_changed_at ELSE %s END,
        due_at = NULL, quota_queue = 0
    FROM due WHERE delivery.id = due.id AND stays <> '' AND delivery.state = 'waiting'
), taken AS (
    UPDATE outgoing_delivery AS delivery
    SET state = 'sending', lease = %s, attempt_count = attempt_count + 1, state_changed_at = %s
    FROM due WHERE delivery.id = due.id AND stays = '' AND delivery.state = 'waiting'
    RETURNING delivery.id, connection_id, tenant_id, route_id, message_uuid, attempt_count, possibly_delivered,
        low_priority, due_at, event_id, position, expires_at, crash_count, quota_queue
)
SELECT taken.*, event.type, event.sender_id, event.occurred_at, told.body, made.body, made.version_id, made.ticket
FROM taken JOIN outgoing_event AS event ON event.id = taken.event_id
LEFT JOIN outgoing_eventbody AS told ON told.event_id = event.id
LEFT JOIN outgoing_rendering AS made ON made.delivery_id = taken.id
ORDER BY taken.quota_queue = 0, CASE taken.quota_queue WHEN 0 THEN taken.due_at END, taken.id
"""
TAKEN = (
    "pk", "connection_id", "tenant_id", "route_id", "message_uuid", "attempt_count", "possibly_delivered",
    "low_priority", "due_at", "event_id", "position", "expires_at", "crash_count", "quota_queue",
)  # fmt: skip
TOLD = ("event__type", "event__sender_id", "event__occurred_at")


@dataclass(slots=True)
class Due:
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
    quota_queue: int  # from which it was taken; 0: from none
    type: str
    sender_id: str
    occurred_at: datetime
    told: bytes | None  # the event's body; None: pruned
    made: bytes | None  # the rendering; None: not yet
    version: int | None  # of the mapping that made it
    ticket: str | None

    @property
    def message_id(self) -> str:
        return f"msg_{self.message_uuid.hex}"


def take(most: Mapping[int, int], lease: UUID, reading: Reading, *, now: datetime) -> list[Due]:
    """Take, on each lane, at most so many deliveries that are due, the longest due first."""
    if not most:
        return []
    if database.vendor == "postgresql":
        parameters = [list(most), list(most.values()), now, now, now, now, CRASHES_FEW]
        return found(rows.fetch(TAKE_POSTGRESQL.format(due=OF_LANES), [*parameters, now, lease, now]), reading)
    due = due_of_lanes(most, now=now)
    return found(taken_one_by_one(due, lease, now=now), reading)


def take_these(due: Sequence[int], lease: UUID, reading: Reading, *, now: datetime) -> list[Due]:
    if database.vendor == "postgresql":
        statement = TAKE_POSTGRESQL.format(due=OF_IDS)
        return found(rows.fetch(statement, [now, list(due), now, lease, now]), reading)
    return found(taken_one_by_one(due, lease, now=now), reading)


def found(taken: Sequence[tuple[Any, ...]], reading: Reading) -> list[Due]:
    reading.learn(tenants={row[2] for row in taken}, routes={row[3] for row in taken})
    tenants, routes = reading.tenants, reading.routes
    return [Due(pk, lane, tenants[tenant], routes[route], *rest) for pk, lane, tenant, route, *rest in taken]


# --- SQLite ----------------------------------------------------------------------------------------------------------


def ids(deliveries: QuerySet[Delivery]) -> Sequence[int]:
    return deliveries.values_list("pk", flat=True)


def due_of_lanes(most: Mapping[int, int], *, now: datetime) -> list[int]:
    """As OF_LANES says it."""
    waiting = Delivery.unscoped.filter(state="waiting")
    plain = waiting.filter(quota_queue=0, due_at__lte=now, crash_count__lt=CRASHES_FEW).order_by("due_at", "pk")
    queued: dict[int, list[int]] = {lane: [] for lane in most}
    for queue in QuotaQueue.unscoped.filter(connection__in=list(most), opens_at__lte=now):
        oldest = waiting.filter(quota_queue=queue.pk, quota_queue__gt=0).order_by("pk")
        queued[queue.connection_id] += ids(oldest[: queue.width])
    due = []
    for lane, count in most.items():
        both = [*sorted(queued[lane])[:count], *ids(plain.filter(connection_id=lane)[:count])]
        due += both[: 1 if count == 1 else 2 * count]
    return due


def taken_one_by_one(due: Sequence[int], lease: UUID, *, now: datetime) -> Sequence[tuple[Any, ...]]:
    leave_behind(due, now=now)
    Delivery.unscoped.filter(pk__in=due, state="waiting", due_at__isnull=False).update(
        state="sending", lease=lease, attempt_count=F("attempt_count") + 1, state_changed_at=now
    )
    taken = list(Delivery.unscoped.filter(pk__in=due, lease=lease).order_by("due_at", "pk").values_list(*TAKEN, *TOLD))
    places = {pk: place for place, pk in enumerate(due)}
    taken.sort(key=lambda row: places[row[0]] if row[13] else len(places))  # queues first, each as it was read
    bodies = dict(EventBody.objects.filter(event_id__in={row[9] for row in taken}).values_list("event_id", "body"))
    made = Rendering.objects.in_bulk([row[0] for row in taken])
    return [(*row, bodies.get(row[9]), *rendered(made.get(row[0]))) for row in taken]


def leave_behind(due: Sequence[int], *, now: datetime) -> None:
    """As STAYS says it."""
    head = Subquery(of_the_same_key().order_by("position").values("position")[:1])
    waiting = Delivery.unscoped.filter(pk__in=due, state="waiting")
    behind = ids(waiting.filter(position__gt=head))
    Delivery.unscoped.filter(pk__in=list(behind)).update(due_at=None, quota_queue=0)
    waiting.filter(expires_at__lte=now).update(
        state="failed", reason="expired", due_at=None, quota_queue=0, state_changed_at=now
    )
    switches = KillSwitch.unscoped.all()
    for reason, scope in (("route_off", "route"), ("switched_off", "tenant")):
        off = switches.filter(scope=scope).values(scope)
        waiting.filter(**{f"{scope}__in": off}).update(
            state="held", reason=reason, due_at=None, quota_queue=0, state_changed_at=now
        )


def rendered(rendering: Rendering | None) -> tuple[bytes | None, int | None, str | None]:
    return (rendering.body, rendering.version_id, rendering.ticket) if rendering else (None, None, None)
