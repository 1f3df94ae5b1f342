"""Leases of pumps: each contains its worker and process id, so a dead process's are freed."""

import os
from datetime import datetime
from uuid import UUID

from django.db import transaction

from hub.connections.models import Lane
from hub.outgoing.models import PumpSlot
from hub.processes.worker_registry import current_worker_id

WORKER_BYTES, PROCESS_BYTES, LEASE_BYTES = 6, 4, 16


def new_lease() -> UUID:
    """Create a lease: six bytes of the worker's id, four of the process id, and six random ones."""
    prefix = process_prefix(current_worker_id(), os.getpid())
    return UUID(bytes=prefix + os.urandom(LEASE_BYTES - len(prefix)))


def worker_prefix(worker: UUID) -> bytes:
    return worker.bytes[:WORKER_BYTES]


def process_prefix(worker: UUID, pid: int) -> bytes:
    return worker_prefix(worker) + pid.to_bytes(PROCESS_BYTES, "big")


def lease_range(prefix: bytes) -> tuple[UUID, UUID]:
    """Return the smallest and the greatest lease with this prefix."""
    return (
        UUID(bytes=prefix.ljust(LEASE_BYTES, b"\0")),
        UUID(bytes=prefix.ljust(LEASE_BYTES, b"\xff")),
    )


def free_leases(prefix: bytes, *, now: datetime) -> int:
    """End the leases with this prefix, whose holder is dead; return how many lanes are free.

    The claim that takes such a lane recovers its deliveries that were being sent, as after an
    expired lease. Leases of calls in flight expire by themselves, as the other system may still be
    busy with these calls.
    """
    low, high = lease_range(prefix)
    with transaction.atomic():
        # in the order in which publishers lock lanes
        leased = Lane.unscoped.filter(lease__range=(low, high)).order_by("pk")
        lane_ids = list(leased.select_for_update(no_key=True).values_list("pk", flat=True))
        Lane.unscoped.filter(pk__in=lane_ids).update(lease_until=now)
    PumpSlot.objects.filter(lease__range=(low, high)).update(lease=None, lease_until=None)
    return len(lane_ids)
