"""Record which inbox loops run, by a leased row each, so that receivers need not send a wake-up."""

from datetime import datetime, timedelta
from uuid import UUID

from hub.incoming.models import InboundMessage, InboxLease
from hub.queue import wake_up

INBOX_LEASE = timedelta(seconds=12)
# how long a receiver relies on what it saw; a loop that ends looks for new messages as long
RUNNING_LOOP_CACHED_FOR = timedelta(milliseconds=500)


def acquire_inbox_lease(lease: UUID, *, now: datetime) -> None:
    """Store that a loop is running."""
    InboxLease.objects.filter(lease_until__lt=now).delete()
    InboxLease.objects.create(lease=lease, lease_until=now + INBOX_LEASE)


def extend_inbox_lease(lease: UUID, *, now: datetime) -> None:
    InboxLease.objects.filter(lease=lease).update(lease_until=now + INBOX_LEASE)


def release_inbox_lease(lease: UUID) -> None:
    InboxLease.objects.filter(lease=lease).delete()


def is_inbox_running(*, now: datetime) -> bool:
    """Return whether a loop is running, which claims due messages without a wake-up."""
    return InboxLease.objects.filter(lease_until__gt=now).exists()


def wake_inbox(*, now: datetime) -> None:
    """Start an inbox loop if none runs."""
    if not is_inbox_running(now=now):
        wake_up("inbox", now=now)


class InboxWaker:
    """Starts an inbox loop for stored messages, without a query for each group of them.

    It relies on a running loop for RUNNING_LOOP_CACHED_FOR. The sweep finds the messages if that
    loop was killed in the meantime.
    """

    def __init__(self) -> None:
        self.seen_at: datetime | None = None  # when a loop ran

    def wake(self, *, now: datetime) -> None:
        """Start an inbox loop if none runs."""
        if (
            self.seen_at is not None
            and timedelta(0) <= now - self.seen_at < RUNNING_LOOP_CACHED_FOR
        ):
            return
        if is_inbox_running(now=now):
            self.seen_at = now
        else:
            wake_up("inbox", now=now)


def free_inbox_leases(low: UUID, high: UUID, *, now: datetime) -> None:
    """End the leases in this range, whose holder is dead, and those of its messages."""
    InboxLease.objects.filter(lease__range=(low, high)).delete()
    InboundMessage.unscoped.filter(lease__range=(low, high)).update(lease_until=now)
