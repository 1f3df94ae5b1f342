"""What an operation does to one batch of deliveries, in a fixed number of statements. Joins the caller's transaction.

Rows that the pump, or another operation, has in hand at this moment are left out rather than waited for.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import CharField, F, Max, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from hub.operations.models import Operation
from hub.operations.operation_runner import BatchResult
from hub.outgoing.models import Delivery, EventBody, Rendering
from hub.outgoing.operations.filters import ALLOWED_DELIVERIES, select_deliveries
from hub.outgoing.queue.ordering import assign_positions, move_to_queue_end, promote_followers
from hub.outgoing.queue.wake import wake_lanes
from hub.outgoing.routing import RoutingTable, build_replay, evaluate_filter

RETRY_COLUMNS = {
    "state": "waiting",
    "reason": "",
    "detail": "",
    "crash_count": 0,
    "low_priority": True,
    "quota_queue": 0,
}
ReplayKey = tuple[int, int, int | None]


def retry_batch(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    """The same rows go again, each as `delivery_actions.retry_delivery` would let it go."""
    ids, deliveries = _lock_next_rows(operation, size)
    waiting = [delivery for delivery in deliveries if delivery.state == "waiting"]
    select_deliveries_by_id(waiting).update(due_at=now, low_priority=True)
    deliveries = [delivery for delivery in deliveries if delivery.state != "waiting"]
    plain = [delivery for delivery in deliveries if _is_plain_retry(delivery)]
    reevaluated = _reevaluate_held(
        [delivery for delivery in deliveries if not _is_plain_retry(delivery)], now=now
    )
    sendable_ids = _find_sendable_ids(plain)
    move_to_queue_end([delivery for delivery in plain if delivery.pk in sendable_ids])
    Delivery.unscoped.filter(pk__in=sendable_ids, reason="expired").update(expires_at=None)
    Delivery.unscoped.filter(pk__in=sendable_ids).update(
        **RETRY_COLUMNS, due_at=now, state_changed_at=now
    )
    follower_lanes: set[int] = (
        set()
    )  # lanes of what ordered routes kept behind those that are skipped
    if reevaluated:
        columns = [
            "state",
            "reason",
            "detail",
            "connection",
            "position",
            "low_priority",
            "due_at",
            "state_changed_at",
        ]
        assign_positions([delivery for delivery in reevaluated if delivery.position is None])
        Delivery.unscoped.bulk_update(reevaluated, columns)
        follower_lanes = promote_followers(
            [delivery.pk for delivery in reevaluated if delivery.state == "skipped"], now=now
        )
    lanes = (
        _waiting_lane_ids(waiting)
        | {delivery.connection_id for delivery in plain if delivery.pk in sendable_ids}
        | _waiting_lane_ids(reevaluated)
        | follower_lanes
    )
    wake_lanes(lanes, now=now)  # once, in the order in which all others lock lanes
    return _build_batch_result(ids, len(waiting) + len(sendable_ids) + len(reevaluated))


def send_batch_again(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    """New deliveries under the same outward ids. Of the same message only the newest is sent again, and once."""
    ids, deliveries = _lock_next_rows(operation, size)
    newest = _find_newest_replays(deliveries)
    bodies = _load_bodies(deliveries)
    replays = [
        build_replay(
            delivery,
            _build_delivery_document(delivery, bodies),
            delivery.replay_number + 1,
            now=now,
        )
        for delivery in deliveries
        if delivery.event_id in bodies and newest[_replay_key(delivery)] == delivery.replay_number
    ]
    for delivery in replays:
        delivery.low_priority = True
    assign_positions(replays)
    Delivery.unscoped.bulk_create(replays)
    wake_lanes(_waiting_lane_ids(replays), now=now)
    return _build_batch_result(ids, len(replays))


def cancel_batch(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    ids, deliveries = _lock_next_rows(operation, size)
    done = select_deliveries_by_id(deliveries).update(
        state="cancelled", due_at=None, state_changed_at=now
    )
    wake_followers(deliveries, now=now)
    return _build_batch_result(ids, done)


def skip_batch(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    ids, deliveries = _lock_next_rows(operation, size)
    detail = Coalesce(NullIf("detail", Value("")), F("reason"), output_field=CharField())
    changes = {"state": "skipped", "reason": "skipped_by_person", "detail": detail}
    done = select_deliveries_by_id(deliveries).update(**changes, due_at=None, state_changed_at=now)
    wake_followers(deliveries, now=now)
    return _build_batch_result(ids, done)


def wake_followers(deliveries: Sequence[Delivery], *, now: datetime) -> None:
    """What ordered routes kept behind these."""
    ordered_ids = [delivery.pk for delivery in deliveries if delivery.position is not None]
    if ordered_ids:
        wake_lanes(promote_followers(ordered_ids, now=now), now=now)


# --- taking and counting ---------------------------------------------------------------------------------------------


def _lock_next_rows(operation: Operation, size: int) -> tuple[list[int], list[Delivery]]:
    """The next rows that are meant; and, locked until the batch ends, those of them to which it can be done now."""
    selected = select_deliveries(
        operation.kind,
        operation.filter,
        operation.tenant,
        includes_platform=operation.includes_platform,
    )
    remaining = selected.filter(pk__gt=operation.cursor, pk__lte=operation.last)
    ids = list(remaining.order_by("pk").values_list("pk", flat=True)[:size])
    possible = Delivery.unscoped.filter(ALLOWED_DELIVERIES[operation.kind], pk__in=ids).order_by(
        "pk"
    )
    possible = possible.select_related("event", "route", "tenant", "connection")
    return ids, list(possible.select_for_update(of=("self",), skip_locked=True, no_key=True))


def _build_batch_result(ids: Sequence[int], done: int) -> BatchResult:
    return BatchResult(ids[-1], done, len(ids) - done) if ids else BatchResult(None)


def select_deliveries_by_id(deliveries: Iterable[Delivery]) -> QuerySet[Delivery]:
    return Delivery.unscoped.filter(pk__in=[delivery.pk for delivery in deliveries])


def _waiting_lane_ids(deliveries: Iterable[Delivery]) -> set[int]:
    return {
        delivery.connection_id
        for delivery in deliveries
        if delivery.state == "waiting" and delivery.connection_id
    }


def _is_plain_retry(delivery: Delivery) -> bool:
    """Its cause is not looked at again: it just goes."""
    return delivery.reason != "filter_failed" and delivery.connection_id is not None


# --- what is needed to send ------------------------------------------------------------------------------------------


def _find_sendable_ids(deliveries: Sequence[Delivery]) -> set[int]:
    """Bodies are kept for a shorter time than rows."""
    rendered = set(
        Rendering.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).values_list(
            "pk", flat=True
        )
    )
    stored_bodies = EventBody.objects.filter(
        pk__in={delivery.event_id for delivery in deliveries}
    ).values_list("pk", flat=True)
    events = set(stored_bodies)
    return {
        delivery.pk
        for delivery in deliveries
        if delivery.pk in rendered or delivery.event_id in events
    }


def _load_bodies(deliveries: Iterable[Delivery]) -> dict[int, EventBody]:
    return EventBody.objects.in_bulk({delivery.event_id for delivery in deliveries})


def _build_delivery_document(delivery: Delivery, bodies: Mapping[int, EventBody]) -> dict[str, Any]:
    return delivery.event.build_document(
        delivery.tenant, json.loads(bytes(bodies[delivery.event_id].body))["data"]
    )


def _reevaluate_held(deliveries: Sequence[Delivery], *, now: datetime) -> list[Delivery]:
    """Those whose cause is gone, changed in memory: the filter is asked again, and a connection may be there now."""
    if not deliveries:
        return []
    bodies, routing_table = (
        _load_bodies(deliveries),
        RoutingTable.load({delivery.tenant for delivery in deliveries}),
    )
    return [
        delivery
        for delivery in deliveries
        if delivery.event_id in bodies
        and _release_in_memory(
            delivery, _build_delivery_document(delivery, bodies), routing_table, now=now
        )
    ]


def _release_in_memory(
    delivery: Delivery, document: Mapping[str, Any], routing_table: RoutingTable, *, now: datetime
) -> bool:
    state, reason, detail = (
        evaluate_filter(delivery.route, document)
        if delivery.reason == "filter_failed"
        else ("waiting", "", "")
    )
    target = delivery.connection or routing_table.find_targets(delivery.route, delivery.tenant)[0]
    if state == "held" or (state == "waiting" and target is None):
        return False
    delivery.state, delivery.reason, delivery.detail, delivery.state_changed_at = (
        state,
        reason,
        detail,
        now,
    )
    if state == "waiting":
        delivery.connection, delivery.due_at, delivery.low_priority = target, now, True
    return True


def _replay_key(delivery: Delivery) -> ReplayKey:
    return delivery.event_id, delivery.route_id, delivery.connection_id


def _find_newest_replays(deliveries: Sequence[Delivery]) -> dict[ReplayKey, int]:
    siblings = Delivery.unscoped.filter(
        event__in={delivery.event_id for delivery in deliveries}
    ).order_by()
    return {
        (event, route, connection): replay
        for event, route, connection, replay in siblings.values_list(
            "event", "route", "connection"
        ).annotate(Max("replay_number"))
    }
