"""Which inbox loops run: a leased row each, so that receivers need not send a wake-up."""

from datetime import datetime, timedelta
from uuid import UUID

from hub.incoming.models import InboundMessage, InboxLease
from hub.queue import wake_up

INBOX_LEASE = timedelta(seconds=12)


def acquire_inbox_lease(lease: UUID, *, now: datetime) -> None:
    """Store that a loop runs."""
    InboxLease.objects.filter(lease_until__lt=now).delete()
    InboxLease.objects.create(lease=lease, lease_until=now + INBOX_LEASE)


def extend_inbox_lease(lease: UUID, *, now: datetime) -> None:
    InboxLease.objects.filter(lease=lease).update(lease_until=now + INBOX_LEASE)


def release_inbox_lease(lease: UUID) -> None:
    InboxLease.objects.filter(lease=lease).delete()


def is_inbox_running(*, now: datetime) -> bool:
    """Return whether a loop runs, which claims due messages without a wake-up."""
    return InboxLease.objects.filter(lease_until__gt=now).exists()


def wake_inbox(*, now: datetime) -> None:
    """Start an inbox loop if none runs."""
    if not is_inbox_running(now=now):
        wake_up("inbox", now=now)


def free_inbox_leases(low: UUID, high: UUID, *, now: datetime) -> None:
    """End the leases in this range, whose holder is dead, and those of its messages."""
    InboxLease.objects.filter(lease__range=(low, high)).delete()
    InboundMessage.unscoped.filter(lease__range=(low, high)).update(lease_until=now)
