"""Ordered routes: deliveries of one connection, route and key go one after the other, in the order of acceptance.

Only the head of a key is ever due. A lane's lock stands between those who queue up, claim and end: none overlooks
what another has not committed yet.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import F, Min, OuterRef, Q, Subquery

from connectors.wire import dumps
from hub.connections.models import Lane
from hub.mappings.translate import compile_filter
from hub.outgoing.models import Delivery, Route

KEY_MOST = 64  # characters

compiled = lru_cache(maxsize=2048)(compile_filter)


def key_of(route: Route, document: Mapping[str, Any]) -> str:
    """Whose queue it joins. Those without a key, or whose key cannot be worked out, share one: slower, never wrong."""
    if not route.ordered or not route.order_key:
        return ""
    try:
        value = compiled(route.order_key).value(dict(document))
    except ValueError:
        return ""
    if value is None:
        return ""
    text = value if isinstance(value, str) else dumps(value).decode()
    return text if len(text) <= KEY_MOST and text.isprintable() else hashlib.sha256(text.encode()).hexdigest()


def queue_up(rows: Sequence[Delivery]) -> None:
    """Give a position to what is ordered; whoever commits first stands first."""
    take_positions([row for row in rows if row.route.ordered and row.connection_id and row.state in Delivery.OPEN])


def take_positions(ordered: Sequence[Delivery]) -> None:
    if not ordered:
        return
    lanes = locked({row.connection_id for row in ordered})
    for row in ordered:
        lane = lanes[row.connection_id]
        lane.position += 1
        row.position = lane.position
    Lane.unscoped.bulk_update(lanes.values(), ["position"])


def requeue(rows: Sequence[Delivery]) -> None:
    """What was cancelled and goes again: those behind it have gone meanwhile, so it stands at the end."""
    again = [row for row in rows if row.position is not None and row.state == "cancelled"]
    take_positions(again)
    Delivery.unscoped.bulk_update(again, ["position"])


def locked(connections: Collection[int]) -> dict[int, Lane]:
    rows = Lane.unscoped.filter(pk__in=connections).select_for_update(no_key=True)
    return {lane.pk: lane for lane in rows.order_by("pk")}


def of_the_same_key() -> Any:
    """The queue in which a delivery stands."""
    return Delivery.unscoped.filter(
        connection=OuterRef("connection"),
        route=OuterRef("route"),
        order_key=OuterRef("order_key"),
        position__isnull=False,
        state__in=Delivery.OPEN,
    )


def promote(ended: Collection[int], *, now: datetime) -> set[int]:
    """These have just ended: the next of each key is due. The lanes that have something due by it."""
    rows = Delivery.unscoped.filter(pk__in=ended, position__isnull=False)
    lanes = locked(set(rows.values_list("connection_id", flat=True)))
    heads = Subquery(of_the_same_key().order_by("position").values("pk")[:1])
    following = set(rows.annotate(head=heads).values_list("head", flat=True)) - {None}
    Delivery.unscoped.filter(pk__in=following, state="waiting", due_at=None).update(due_at=now)
    return set(lanes)


def wake_forgotten_heads(*, now: datetime) -> None:
    """A head that sleeps although nothing of its key stands before it: whoever ended that one did not say so."""
    queues = Delivery.unscoped.filter(position__isnull=False, state__in=Delivery.OPEN).order_by()
    asleep = Min("position", filter=Q(state="waiting", due_at=None))
    heads = queues.values("connection", "route", "order_key").annotate(head=Min("position"), asleep=asleep)
    for connection, position in heads.filter(head=F("asleep")).values_list("connection", "head"):
        row = Delivery.unscoped.filter(connection=connection, position=position, state="waiting", due_at=None)
        row.update(due_at=now)


def head_of(delivery: Delivery) -> Delivery | None:
    """The one that this one waits for."""
    if delivery.position is None or delivery.state not in Delivery.OPEN:
        return None
    queue = Delivery.unscoped.filter(
        connection=delivery.connection_id,
        route=delivery.route_id,
        order_key=delivery.order_key,
        position__lt=delivery.position,
        state__in=Delivery.OPEN,
    )
    return queue.select_related("event").order_by("position").first()
