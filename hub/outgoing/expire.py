"""What is too late to be sent: never sent late, failed by its own reason."""

from datetime import datetime

from django.db.models import QuerySet

from hub.outgoing.models import Delivery

BATCH = 500


def expire(*, now: datetime) -> None:
    """All whose time has passed, those too that are held or wait for a later try."""
    late = Delivery.unscoped.filter(state__in=("waiting", "held"), expires_at__lte=now).order_by("expires_at")
    while batch := list(late.values_list("pk", flat=True)[:BATCH]):
        if not let_expire(Delivery.unscoped.filter(pk__in=batch), now=now):
            break


def let_expire(rows: QuerySet[Delivery], *, now: datetime) -> int:
    return rows.filter(state__in=("waiting", "held")).update(
        state="failed", reason="expired", due_at=None, state_changed_at=now
    )
