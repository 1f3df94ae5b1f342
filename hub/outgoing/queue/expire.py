"""What is too late to be sent: never sent late, failed by its own reason."""

from datetime import datetime

from django.db.models import QuerySet

from hub.outgoing.models import Delivery

EXPIRY_BATCH = 500


def expire_deliveries(*, now: datetime) -> None:
    """All whose time has passed, those too that are held or wait for a later try."""
    overdue = Delivery.unscoped.filter(state__in=("waiting", "held"), expires_at__lte=now).order_by(
        "expires_at"
    )
    while batch := list(overdue.values_list("pk", flat=True)[:EXPIRY_BATCH]):
        if not _mark_expired(Delivery.unscoped.filter(pk__in=batch), now=now):
            break


def _mark_expired(deliveries: QuerySet[Delivery], *, now: datetime) -> int:
    return deliveries.filter(state__in=("waiting", "held")).update(
        state="failed", reason="expired", due_at=None, state_changed_at=now
    )
