"""Reopen discrepancies whose repair was not delivered."""

from datetime import datetime

from django.db import transaction

from hub.scheduled.models import Discrepancy

BATCH_SIZE = 500
FAILED_STATES = ("failed", "cancelled", "skipped")


@transaction.atomic
def settle_failed_repairs(*, now: datetime) -> int:
    """Reopen discrepancies whose repair failed, with the reason; return how many.

    A step of the sweep.
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
        discrepancy.transition_to(
            "open", reason=delivery.reason or "repair_failed", detail=delivery.detail
        )
    return len(ended_deliveries)
