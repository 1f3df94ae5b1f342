"""Take what is due on claimed lanes with all that is needed of it: one statement on PostgreSQL, a few on SQLite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models import F

from hub import rows
from hub.outgoing.models import Delivery, EventBody, Rendering, Route
from tenants.models import Tenant

TAKE_POSTGRESQL = """
WITH due AS (
    SELECT first.id FROM unnest(%s::bigint[], %s::bigint[]) AS lane(id, most) CROSS JOIN LATERAL (
        SELECT id FROM outgoing_delivery
        WHERE connection_id = lane.id AND state = 'waiting' AND due_at <= %s ORDER BY due_at LIMIT lane.most
    ) AS first
), taken AS (
    UPDATE outgoing_delivery AS delivery
    SET state = 'sending', lease = %s, attempts = attempts + 1, moved_at = %s
    FROM due WHERE delivery.id = due.id AND delivery.state = 'waiting'
    RETURNING delivery.id, connection_id, tenant_id, route_id, outward_id, attempts, unsure, background,
        due_at, event_id
)
SELECT taken.*, event.type, event.sender_id, event.occurred_at, told.body, made.body, made.version_id, made.ticket
FROM taken JOIN outgoing_event AS event ON event.id = taken.event_id
LEFT JOIN outgoing_eventbody AS told ON told.event_id = event.id
LEFT JOIN outgoing_rendering AS made ON made.delivery_id = taken.id
ORDER BY taken.due_at, taken.id
"""
TAKEN = (
    "pk",
    "connection_id",
    "tenant_id",
    "route_id",
    "outward_id",
    "attempts",
    "unsure",
    "background",
    "due_at",
    "event_id",
)
TOLD = ("event__type", "event__sender_id", "event__occurred_at")


@dataclass(slots=True)
class Due:
    """One claimed delivery, with its event and what was rendered before."""

    pk: int
    connection_id: int
    tenant: Tenant
    route: Route
    outward_id: UUID
    attempts: int  # this one is counted
    unsure: bool
    background: bool  # it leaves room for live work
    due_at: datetime
    event_id: int
    type: str
    sender_id: str
    occurred_at: datetime
    told: bytes | None  # the event's body; None: pruned
    made: bytes | None  # the rendering; None: not yet
    version: int | None  # of the mapping that made it
    ticket: str | None

    @property
    def message_id(self) -> str:
        return f"msg_{self.outward_id.hex}"


def take(most: Mapping[int, int], lease: UUID, *, now: datetime) -> list[Due]:
    """Take, on each lane, at most so many deliveries that are due, the longest due first."""
    if not most:
        return []
    if database.vendor == "postgresql":
        taken = rows.fetch(TAKE_POSTGRESQL, [list(most), list(most.values()), now, lease, now])
    else:
        taken = taken_one_by_one(most, lease, now=now)
    tenants = Tenant.objects.in_bulk({row[2] for row in taken})
    routes = Route.unscoped.in_bulk({row[3] for row in taken})
    return [Due(pk, lane, tenants[tenant], routes[route], *rest) for pk, lane, tenant, route, *rest in taken]


def taken_one_by_one(most: Mapping[int, int], lease: UUID, *, now: datetime) -> Sequence[tuple[Any, ...]]:
    waiting = Delivery.unscoped.filter(state="waiting", due_at__lte=now).order_by("due_at").values_list("pk", flat=True)
    due = [pk for lane, count in most.items() for pk in waiting.filter(connection_id=lane)[:count]]
    Delivery.unscoped.filter(pk__in=due, state="waiting").update(
        state="sending", lease=lease, attempts=F("attempts") + 1, moved_at=now
    )
    taken = list(Delivery.unscoped.filter(pk__in=due, lease=lease).order_by("due_at", "pk").values_list(*TAKEN, *TOLD))
    bodies = dict(EventBody.objects.filter(event_id__in={row[9] for row in taken}).values_list("event_id", "body"))
    made = Rendering.objects.in_bulk([row[0] for row in taken])
    return [(*row, bodies.get(row[9]), *rendered(made.get(row[0]))) for row in taken]


def rendered(rendering: Rendering | None) -> tuple[bytes | None, int | None, str | None]:
    return (rendering.body, rendering.version_id, rendering.ticket) if rendering else (None, None, None)
