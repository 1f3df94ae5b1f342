"""Reopen or resolve discrepancies after their repairs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from connectors.outcomes import CHANGED_SINCE, DUPLICATE_VALUE
from hub.outgoing.models import Delivery
from hub.queue import wake_up
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.repair_deliveries import REPAIR_WAKE_UP
from hub.scheduled.repairs.repair_requests import AWAITING_READ

BATCH_SIZE = 500
FAILED_STATES = ("failed", "cancelled", "skipped")
# after these the records are read and compared again: another write was earlier, perhaps our own in
# an attempt whose answer was lost, or nothing was sent within the time for which a read is valid
EXPIRED = "expired"
COMPARED_AGAIN = (CHANGED_SINCE, DUPLICATE_VALUE, EXPIRED)
COMPARED_AGAIN_FOR = timedelta(hours=1)  # after the repair was requested
READ_AT_ONCE_FOR = timedelta(minutes=2)  # later at growing intervals


def reopen(discrepancies: Sequence[Discrepancy], reason: str, **changes: Any) -> None:
    _select_unsettled(discrepancies).update(state="open", reason=reason, **changes)


def resolve(
    discrepancies: Sequence[Discrepancy], *, is_repaired: bool = True, now: datetime
) -> None:
    rows = _select_unsettled(discrepancies)
    repaired = {"reason": "repaired", "repaired_at": now} if is_repaired else {"reason": ""}
    rows.update(state="resolved", detail="", resolved_at=now, **repaired)


def _select_unsettled(discrepancies: Sequence[Discrepancy]) -> QuerySet[Discrepancy]:
    """Select those that are repaired by the delivery with which they were read, or by none yet: a
    process that was stopped meanwhile changes nothing of what others did.
    """
    deliveries = {entry.repair_delivery_id for entry in discrepancies}
    is_same = Q(repair_delivery__in=deliveries - {None})
    if None in deliveries:
        is_same |= Q(repair_delivery=None)
    pks = [entry.pk for entry in discrepancies]
    return Discrepancy.unscoped.filter(is_same, pk__in=pks, state="repairing")


@transaction.atomic
def settle_failed_repairs(*, now: datetime) -> int:
    """Settle the discrepancies whose repair failed; return how many.

    They are open again with the reason, or are compared again if the records may have changed. A
    step of the sweep.
    """
    rows = Discrepancy.unscoped.filter(state="repairing", repair_delivery__state__in=FAILED_STATES)
    ended_deliveries = list(
        rows.select_related("repair_delivery")
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
        .order_by("pk")[:BATCH_SIZE]
    )
    for discrepancy in ended_deliveries:
        delivery = discrepancy.repair_delivery
        assert delivery is not None  # the query joins it
        if not _compare_again(discrepancy, delivery, now=now):
            discrepancy.transition_to(
                "open", reason=delivery.reason or "repair_failed", detail=delivery.detail
            )
    return len(ended_deliveries)


def _compare_again(discrepancy: Discrepancy, delivery: Delivery, *, now: datetime) -> bool:
    """Let the records be read again if the failure allows it; return whether they are."""
    age = now - (discrepancy.repair_requested_at or now)
    if delivery.reason not in COMPARED_AGAIN or age > COMPARED_AGAIN_FOR:
        return False
    was_sent = delivery.reason != EXPIRED or delivery.attempts.exists()
    Discrepancy.unscoped.filter(pk=discrepancy.pk).update(
        repair_delivery=None,
        reason=delivery.reason if was_sent else AWAITING_READ,
        detail=delivery.detail,
        read_again_at=now + age if age > READ_AT_ONCE_FOR else None,
    )
    wake_up(REPAIR_WAKE_UP, now=now)
    return True
