"""Ordered routes: send deliveries of one connection, route and key in order of acceptance.

Only the head of a key can be claimed: a claim removes the due time of a delivery behind the head,
and the end of the head makes the next one due. Appending, claiming and ending deliveries lock the
lane, so that each sees what the others have committed.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery

from connectors.http import dump_json
from hub.connections.models import Connection, Lane
from hub.mappings.compiler_cache import compiled_filter
from hub.outgoing.models import Delivery, Route

ORDER_KEY_LIMIT = 64  # characters


def compute_order_key(route: Route, document: Mapping[str, Any]) -> str:
    """Return the key of the queue.

    Deliveries without a key, or whose key cannot be evaluated, share one queue.
    """
    if not route.ordered or not route.order_key:
        return ""
    try:
        value = compiled_filter(route.order_key).value(dict(document))
    except ValueError:
        return ""
    if value is None:
        return ""
    text = value if isinstance(value, str) else dump_json(value).decode()
    return (
        text
        if len(text) <= ORDER_KEY_LIMIT and text.isprintable()
        else hashlib.sha256(text.encode()).hexdigest()
    )


def assign_positions(deliveries: Sequence[Delivery]) -> None:
    """Give positions to the deliveries of ordered routes; the first to commit is first."""
    _append_positions(
        [
            delivery
            for delivery in deliveries
            if delivery.route.ordered
            and delivery.connection_id
            and delivery.state in Delivery.ORDER_BLOCKING_STATES
        ]
    )


def _append_positions(ordered: Sequence[Delivery]) -> None:
    if not ordered:
        return
    lanes = lock_lanes({row.connection_id for row in ordered if row.connection_id is not None})
    for delivery in ordered:
        assert delivery.connection_id is not None
        lane = lanes[delivery.connection_id]
        lane.position += 1
        delivery.position = lane.position
    Lane.unscoped.bulk_update(lanes.values(), ["position"])


def move_to_queue_end(deliveries: Sequence[Delivery]) -> None:
    """Append retried cancelled deliveries to their queues, as those behind may have been sent."""
    reopened = [
        delivery
        for delivery in deliveries
        if delivery.position is not None and delivery.state == "cancelled"
    ]
    _append_positions(reopened)
    Delivery.unscoped.bulk_update(reopened, ["position"])


def lock_lanes(connections: Collection[int]) -> dict[int, Lane]:
    lanes = Lane.unscoped.filter(pk__in=connections).select_for_update(no_key=True)
    return {lane.pk: lane for lane in lanes.order_by("pk")}


def lock_lanes_of(deliveries: QuerySet[Delivery]) -> None:
    """Lock the lanes of these deliveries, before the deliveries are locked or changed.

    For a delivery without a connection these are all lanes that it may get. A claim locks in this
    order; any other order can deadlock. On SQLite nothing is needed: only one connection writes at
    a time.
    """
    if database.vendor != "postgresql":
        return
    rows = set(deliveries.values_list("connection_id", "tenant_id", "route__connector_key"))
    lane_ids = {connection for connection, _, _ in rows if connection is not None}
    if unconnected := {(tenant, key) for connection, tenant, key in rows if connection is None}:
        connections = Connection.unscoped.filter(
            Q(tenant=None) | Q(tenant__in={tenant for tenant, _ in unconnected}),
            connector_key__in={key for _, key in unconnected},
        )
        lane_ids.update(connections.values_list("pk", flat=True))
    if lane_ids:
        lock_lanes(lane_ids)


def select_same_key() -> Any:
    """Select the unfinished deliveries with the connection, route and key of the outer query's."""
    return Delivery.unscoped.filter(
        connection=OuterRef("connection"),
        route=OuterRef("route"),
        order_key=OuterRef("order_key"),
        position__isnull=False,
        state__in=Delivery.ORDER_BLOCKING_STATES,
    )


def promote_followers(ended_ids: Collection[int], *, now: datetime) -> set[int]:
    """Make the next delivery of each ended key due; return the lanes that may have due ones."""
    ordered = Delivery.unscoped.filter(pk__in=ended_ids, position__isnull=False)
    lanes = lock_lanes(set(ordered.values_list("connection_id", flat=True)))
    heads = Subquery(select_same_key().order_by("position").values("pk")[:1])
    next_ids = set(ordered.annotate(head=heads).values_list("head", flat=True)) - {None}
    Delivery.unscoped.filter(pk__in=next_ids, state="waiting", due_at=None).update(due_at=now)
    return set(lanes)


def wake_stuck_heads(*, now: datetime) -> None:
    """Make the heads of queues due that were not promoted when the delivery before them ended."""
    queues = Delivery.unscoped.filter(
        position__isnull=False, state__in=Delivery.ORDER_BLOCKING_STATES
    ).order_by()
    first_asleep = Min("position", filter=Q(state="waiting", due_at=None))
    heads = queues.values("connection", "route", "order_key").annotate(
        head=Min("position"), asleep=first_asleep
    )
    for connection, position in heads.filter(head=F("asleep")).values_list("connection", "head"):
        head = Delivery.unscoped.filter(
            connection=connection, position=position, state="waiting", due_at=None
        )
        head.update(due_at=now)


def find_queue_head(delivery: Delivery) -> Delivery | None:
    """Return the delivery for which this one waits; None if it waits for none."""
    if delivery.position is None or delivery.state not in Delivery.ORDER_BLOCKING_STATES:
        return None
    queue = Delivery.unscoped.filter(
        connection=delivery.connection_id,
        route=delivery.route_id,
        order_key=delivery.order_key,
        position__lt=delivery.position,
        state__in=Delivery.ORDER_BLOCKING_STATES,
    )
    return queue.select_related("event").order_by("position").first()
