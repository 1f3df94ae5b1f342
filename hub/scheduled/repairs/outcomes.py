"""What becomes of a discrepancy when the delivery that repairs it has ended."""

from datetime import datetime

from django.db import transaction

from hub.scheduled.models import Discrepancy

BATCH = 500
FAILED_STATES = ("failed", "cancelled", "skipped")


@transaction.atomic
def settle_repairs(*, now: datetime) -> int:
    """Reopen discrepancies whose repair failed; resolve those whose repair was delivered.

    A step of the sweep. The next run compares the record again: if it still differs, the
    discrepancy is open again. Return how many were changed.
    """
    rows = Discrepancy.unscoped.filter(
        state="repairing", repair_delivery__state__in=("delivered", *FAILED_STATES)
    )
    ended = list(
        rows.select_related("repair_delivery")
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
        .order_by("pk")[:BATCH]
    )
    for discrepancy in ended:
        _settle(discrepancy, now=now)
    return len(ended)


def _settle(discrepancy: Discrepancy, *, now: datetime) -> None:
    delivery = discrepancy.repair_delivery
    assert delivery is not None  # the query joins it
    if delivery.state == "delivered":
        discrepancy.transition_to(
            "resolved", reason="repaired", repaired_at=delivery.state_changed_at, resolved_at=now
        )
    else:
        discrepancy.transition_to(
            "open", reason=delivery.reason or "repair_failed", detail=delivery.detail
        )
