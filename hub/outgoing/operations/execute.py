"""One batch of an operation that retries, sends again, cancels or skips deliveries.

Runs in the caller's transaction.
"""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from hub.operations.models import Operation
from hub.operations.operation_runner import BatchResult
from hub.outgoing.models import Delivery
from hub.outgoing.operations.delivery_actions import (
    FUNCTIONS,
    DeliveryActionContext,
    lock_deliveries,
)
from hub.outgoing.operations.filters import match_operable, select_deliveries


def execute_batch(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    """Apply the operation to its next `size` deliveries, at a lower priority than live ones.

    Deliveries that are locked, by the pump or another operation, are skipped and not revisited.
    """
    selected = select_deliveries(
        operation.kind,
        operation.filter,
        operation.tenant,
        includes_platform=operation.includes_platform,
    )
    remaining = selected.filter(pk__gt=operation.cursor, pk__lte=operation.last)
    ids = list(remaining.order_by("pk").values_list("pk", flat=True)[:size])
    if not ids:
        return BatchResult(None)
    condition = Q(pk__in=ids) & match_operable(operation.kind)
    if operation.kind == "send_again":
        condition &= _match_newest_replay()
    deliveries = lock_deliveries(condition, skip_locked=True)
    changed = FUNCTIONS[operation.kind](deliveries, DeliveryActionContext(now, low_priority=True))
    return BatchResult(ids[-1], len(changed), len(ids) - len(changed))


def _match_newest_replay() -> Q:
    """Match the newest delivery of each message, so that an operation sends no message twice."""
    newer = Delivery.unscoped.filter(
        event=OuterRef("event"),
        route=OuterRef("route"),
        replay_number__gt=OuterRef("replay_number"),
        connection=OuterRef("connection"),
    )
    return ~Q(Exists(newer))
