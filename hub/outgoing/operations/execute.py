"""One batch of an operation that retries, sends again, cancels or skips deliveries.

Joins the caller's transaction.
"""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from hub.operations.models import Operation
from hub.operations.operation_runner import BatchResult
from hub.outgoing.models import Delivery
from hub.outgoing.operations.filters import match_operable, select_deliveries
from hub.outgoing.operations.transitions import (
    DELIVERY_ACTIONS,
    TransitionContext,
    lock_deliveries,
)


def execute_batch(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    """Change the next deliveries of the operation, behind those that are live.

    A delivery that is locked by the pump or another operation is left out rather than waited for.
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
    changed = DELIVERY_ACTIONS[operation.kind](
        deliveries, TransitionContext(now, low_priority=True)
    )
    return BatchResult(ids[-1], len(changed), len(ids) - len(changed))


def _match_newest_replay() -> Q:
    """The newest delivery of each message, so that an operation sends none of them twice."""
    newer = Delivery.unscoped.filter(
        event=OuterRef("event"),
        route=OuterRef("route"),
        replay_number__gt=OuterRef("replay_number"),
        connection=OuterRef("connection"),
    )
    return ~Q(Exists(newer))
