"""Expiry: fail deliveries whose time has passed, with the reason *expired*."""

from datetime import datetime

from django.db.models import QuerySet

from hub.outgoing.models import Delivery

EXPIRY_BATCH = 500


def expire_deliveries(*, now: datetime) -> None:
    """Fail all waiting and held deliveries whose time has passed."""
    overdue = Delivery.unscoped.filter(state__in=("waiting", "held"), expires_at__lte=now)
    overdue_ids = overdue.order_by("expires_at").values_list("pk", flat=True)
    while batch := list(overdue_ids[:EXPIRY_BATCH]):
        if not _mark_expired(Delivery.unscoped.filter(pk__in=batch), now=now):
            break


def _mark_expired(deliveries: QuerySet[Delivery], *, now: datetime) -> int:
    return deliveries.filter(state__in=("waiting", "held")).update(
        state="failed", reason="expired", due_at=None, state_changed_at=now
    )
