"""Claim rows on SQLite: the rules of claim_postgresql, in a few statements of the ORM."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet, Subquery

from hub.connections.models import KillSwitch, QuotaQueue
from hub.outgoing.models import Delivery, EventBody, Rendering
from hub.outgoing.pump.claiming.crash_limits import SUSPECT_CRASHES
from hub.outgoing.queue.ordering import select_same_key

DELIVERY_COLUMNS = (
    "pk",
    "connection_id",
    "tenant_id",
    "route_id",
    "message_uuid",
    "attempt_count",
    "possibly_delivered",
    "low_priority",
    "due_at",
    "event_id",
    "position",
    "expires_at",
    "crash_count",
    "quota_queue",
)
EVENT_COLUMNS = ("event__type", "event__sender_id", "event__occurred_at")
PK, EVENT_ID, QUOTA_QUEUE = 0, 9, 13  # their places among the columns


def claim_due_rows(
    max_rows_by_lane: Mapping[int, int], lease: UUID, *, now: datetime
) -> list[tuple[Any, ...]]:
    """Claim up to `max_rows_by_lane[lane]` due rows of each lane, as fields of ClaimedDelivery."""
    return claim_rows_by_id(find_due_deliveries(max_rows_by_lane, now=now), lease, now=now)


def find_due_deliveries(max_rows_by_lane: Mapping[int, int], *, now: datetime) -> list[int]:
    """Return the due rows of each lane: the oldest of open quota queues, then rows in no queue."""
    waiting = Delivery.unscoped.filter(state="waiting")
    unqueued = waiting.filter(quota_queue=0, due_at__lte=now, crash_count__lt=SUSPECT_CRASHES)
    queued_ids: dict[int, list[int]] = {lane: [] for lane in max_rows_by_lane}
    for queue in QuotaQueue.unscoped.filter(
        connection__in=list(max_rows_by_lane), opens_at__lte=now
    ):
        oldest = waiting.filter(quota_queue=queue.pk, quota_queue__gt=0).order_by("pk")
        queued_ids[queue.connection_id] += _list_ids(oldest[: queue.width])
    due_ids: list[int] = []
    for lane, limit in max_rows_by_lane.items():
        longest_due = unqueued.filter(connection_id=lane).order_by("due_at", "pk")[:limit]
        lane_ids = [*sorted(queued_ids[lane])[:limit], *_list_ids(longest_due)]
        due_ids += lane_ids[: 1 if limit == 1 else 2 * limit]
    return due_ids


def claim_rows_by_id(
    delivery_ids: Sequence[int], lease: UUID, *, now: datetime
) -> list[tuple[Any, ...]]:
    """Claim these rows by id, unless they may not be sent: rows of a queue first, in this order."""
    transition_unsendable_rows(delivery_ids, now=now)
    Delivery.unscoped.filter(pk__in=delivery_ids, state="waiting", due_at__isnull=False).update(
        state="sending", lease=lease, attempt_count=F("attempt_count") + 1, state_changed_at=now
    )
    claimed = Delivery.unscoped.filter(pk__in=delivery_ids, lease=lease).order_by("due_at", "pk")
    rows = list(claimed.values_list(*DELIVERY_COLUMNS, *EVENT_COLUMNS))
    places = {pk: place for place, pk in enumerate(delivery_ids)}
    rows.sort(key=lambda row: places[row[PK]] if row[QUOTA_QUEUE] else len(places))
    event_bodies = EventBody.objects.filter(event_id__in={row[EVENT_ID] for row in rows})
    bodies = dict(event_bodies.values_list("event_id", "body"))
    renderings = Rendering.objects.in_bulk([row[PK] for row in rows])
    return [
        (*row, bodies.get(row[EVENT_ID]), *_rendering_columns(renderings.get(row[PK])))
        for row in rows
    ]


def transition_unsendable_rows(delivery_ids: Sequence[int], *, now: datetime) -> None:
    """Give due rows that may not be sent their next state, by the rules of SKIP_REASON_SQL."""
    head = Subquery(select_same_key().order_by("position").values("position")[:1])
    waiting = Delivery.unscoped.filter(pk__in=delivery_ids, state="waiting")
    behind = _list_ids(waiting.filter(position__gt=head))
    Delivery.unscoped.filter(pk__in=behind).update(due_at=None, quota_queue=0)
    waiting.filter(expires_at__lte=now).update(
        state="failed", reason="expired", due_at=None, quota_queue=0, state_changed_at=now
    )
    switches = KillSwitch.unscoped.all()
    for reason, scope in (("route_off", "route"), ("switched_off", "tenant")):
        switched_off_ids = switches.filter(scope=scope).values(scope)
        waiting.filter(**{f"{scope}__in": switched_off_ids}).update(
            state="held", reason=reason, due_at=None, quota_queue=0, state_changed_at=now
        )


def _list_ids(deliveries: QuerySet[Delivery]) -> list[int]:
    return list(deliveries.values_list("pk", flat=True))


def _rendering_columns(rendering: Rendering | None) -> tuple[bytes | None, int | None, str | None]:
    if rendering is None:
        return None, None, None
    return bytes(rendering.body), rendering.version_id, rendering.ticket
