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
from hub.operations.run import Batch
from hub.outgoing.chosen import POSSIBLE, chosen
from hub.outgoing.match import Ways, repetition_of, verdict
from hub.outgoing.models import Delivery, EventBody, Rendering
from hub.outgoing.order import promote, queue_up, requeue
from hub.outgoing.wake import wake

GOES = {"state": "waiting", "reason": "", "detail": "", "crash_count": 0, "low_priority": True, "quota_queue": 0}
Key = tuple[int, int, int | None]


def retry(operation: Operation, size: int, *, now: datetime) -> Batch:
    """The same rows go again, each as `replay.retry` would let it go."""
    ids, rows = take(operation, size)
    waiting = [row for row in rows if row.state == "waiting"]
    of(waiting).update(due_at=now, low_priority=True)
    rows = [row for row in rows if row.state != "waiting"]
    plain = [row for row in rows if simple(row)]
    judged = judge([row for row in rows if not simple(row)], now=now)
    going = having_something_to_send(plain)
    requeue([row for row in plain if row.pk in going])
    Delivery.unscoped.filter(pk__in=going, reason="expired").update(expires_at=None)
    Delivery.unscoped.filter(pk__in=going).update(**GOES, due_at=now, state_changed_at=now)
    following: set[int] = set()  # lanes of what ordered routes kept behind those that are skipped
    if judged:
        columns = ["state", "reason", "detail", "connection", "position", "low_priority", "due_at", "state_changed_at"]
        queue_up([row for row in judged if row.position is None])
        Delivery.unscoped.bulk_update(judged, columns)
        following = promote([row.pk for row in judged if row.state == "skipped"], now=now)
    lanes = lanes_of(waiting) | {row.connection_id for row in plain if row.pk in going} | lanes_of(judged) | following
    wake(lanes, now=now)  # once, in the order in which all others lock lanes
    return counted(ids, len(waiting) + len(going) + len(judged))


def send_again(operation: Operation, size: int, *, now: datetime) -> Batch:
    """New deliveries under the same outward ids. Of the same message only the newest is sent again, and once."""
    ids, rows = take(operation, size)
    newest = newest_of(rows)
    bodies = bodies_of(rows)
    again = [
        repetition_of(row, document_of(row, bodies), row.replay_number + 1, now=now)
        for row in rows
        if row.event_id in bodies and newest[key_of(row)] == row.replay_number
    ]
    for row in again:
        row.low_priority = True
    queue_up(again)
    Delivery.unscoped.bulk_create(again)
    wake(lanes_of(again), now=now)
    return counted(ids, len(again))


def cancel(operation: Operation, size: int, *, now: datetime) -> Batch:
    ids, rows = take(operation, size)
    done = of(rows).update(state="cancelled", due_at=None, state_changed_at=now)
    go_on(rows, now=now)
    return counted(ids, done)


def skip(operation: Operation, size: int, *, now: datetime) -> Batch:
    ids, rows = take(operation, size)
    detail = Coalesce(NullIf("detail", Value("")), F("reason"), output_field=CharField())
    changes = {"state": "skipped", "reason": "skipped_by_person", "detail": detail}
    done = of(rows).update(**changes, due_at=None, state_changed_at=now)
    go_on(rows, now=now)
    return counted(ids, done)


def go_on(rows: Sequence[Delivery], *, now: datetime) -> None:
    """What ordered routes kept behind these."""
    ordered = [row.pk for row in rows if row.position is not None]
    if ordered:
        wake(promote(ordered, now=now), now=now)


# --- taking and counting ---------------------------------------------------------------------------------------------


def take(operation: Operation, size: int) -> tuple[list[int], list[Delivery]]:
    """The next rows that are meant; and, locked until the batch ends, those of them to which it can be done now."""
    rows = chosen(operation.kind, operation.filter, operation.tenant, includes_platform=operation.includes_platform)
    beyond = rows.filter(pk__gt=operation.cursor, pk__lte=operation.last)
    ids = list(beyond.order_by("pk").values_list("pk", flat=True)[:size])
    free = Delivery.unscoped.filter(POSSIBLE[operation.kind], pk__in=ids).order_by("pk")
    free = free.select_related("event", "route", "tenant", "connection")
    return ids, list(free.select_for_update(of=("self",), skip_locked=True, no_key=True))


def counted(ids: Sequence[int], done: int) -> Batch:
    return Batch(ids[-1], done, len(ids) - done) if ids else Batch(None)


def of(rows: Iterable[Delivery]) -> QuerySet[Delivery]:
    return Delivery.unscoped.filter(pk__in=[row.pk for row in rows])


def lanes_of(rows: Iterable[Delivery]) -> set[int]:
    return {row.connection_id for row in rows if row.state == "waiting" and row.connection_id}


def simple(row: Delivery) -> bool:
    """Its cause is not looked at again: it just goes."""
    return row.reason != "filter_failed" and row.connection_id is not None


# --- what is needed to send ------------------------------------------------------------------------------------------


def having_something_to_send(rows: Sequence[Delivery]) -> set[int]:
    """Bodies are kept for a shorter time than rows."""
    rendered = set(Rendering.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
    kept = EventBody.objects.filter(pk__in={row.event_id for row in rows}).values_list("pk", flat=True)
    events = set(kept)
    return {row.pk for row in rows if row.pk in rendered or row.event_id in events}


def bodies_of(rows: Iterable[Delivery]) -> dict[int, EventBody]:
    return EventBody.objects.in_bulk({row.event_id for row in rows})


def document_of(row: Delivery, bodies: Mapping[int, EventBody]) -> dict[str, Any]:
    return row.event.document(row.tenant, json.loads(bytes(bodies[row.event_id].body))["data"])


def judge(rows: Sequence[Delivery], *, now: datetime) -> list[Delivery]:
    """Those whose cause is gone, changed in memory: the filter is asked again, and a connection may be there now."""
    if not rows:
        return []
    bodies, ways = bodies_of(rows), Ways.of({row.tenant for row in rows})
    return [row for row in rows if row.event_id in bodies and freed(row, document_of(row, bodies), ways, now=now)]


def freed(row: Delivery, document: Mapping[str, Any], ways: Ways, *, now: datetime) -> bool:
    state, reason, detail = verdict(row.route, document) if row.reason == "filter_failed" else ("waiting", "", "")
    target = row.connection or ways.targets(row.route, row.tenant)[0]
    if state == "held" or (state == "waiting" and target is None):
        return False
    row.state, row.reason, row.detail, row.state_changed_at = state, reason, detail, now
    if state == "waiting":
        row.connection, row.due_at, row.low_priority = target, now, True
    return True


def key_of(row: Delivery) -> Key:
    return row.event_id, row.route_id, row.connection_id


def newest_of(rows: Sequence[Delivery]) -> dict[Key, int]:
    same = Delivery.unscoped.filter(event__in={row.event_id for row in rows}).order_by()
    return {
        (event, route, connection): replay
        for event, route, connection, replay in same.values_list("event", "route", "connection").annotate(
            Max("replay_number")
        )
    }
