"""Slots of loops: a running pump, inbox loop or loop of runs leases one.

With the rows few wake-ups are needed, and no more loops run than a worker and the installation may.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.db import connection, models, transaction

from hub.db import bulk
from hub.processes.leases import RowLeases, worker_prefix
from hub.processes.worker_registry import NO_WORKER, Worker, current_worker_id

LoopKind = Literal["pump", "inbox", "run"]  # also the name of the wake-up that starts a loop


class LoopSlot(models.Model):
    """A leased slot for one running loop; there are as many rows as have ever run at once."""

    kind = models.CharField(max_length=8)
    number = models.PositiveSmallIntegerField()
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("kind", "number"), name="one_loop_slot_per_number"),
        )

    def __str__(self) -> str:
        return f"{self.kind} slot {self.number}"


SLOT_LEASES = RowLeases(LoopSlot, timedelta(seconds=12))


def active_leases(kind: LoopKind, *, now: datetime) -> list[UUID]:
    """Return the leases of the running loops."""
    parameter = connection.ops.adapt_datetimefield_value(now)
    lease_rows = bulk.query_rows(
        "SELECT lease FROM hub_loopslot WHERE kind = %s AND lease_until > %s", [kind, parameter]
    )
    return [
        lease if isinstance(lease, UUID) else UUID(lease or NO_WORKER.hex)
        for (lease,) in lease_rows
    ]


def is_loop_running(kind: LoopKind, *, now: datetime) -> bool:
    """Return whether a loop is running, which finds due work without a wake-up."""
    return bool(active_leases(kind, now=now))


def _count_loops(worker: UUID, leases: Sequence[UUID]) -> int:
    return sum(lease.bytes.startswith(worker_prefix(worker)) for lease in leases)


def has_local_slot(kind: LoopKind, *, per_worker: float, total: int, now: datetime) -> bool:
    """Return whether this worker may run another loop. `total`: of all workers; 0: no limit."""
    leases = active_leases(kind, now=now)
    return _count_loops(current_worker_id(), leases) < per_worker and not (
        total and len(leases) >= total
    )


def has_any_pump_slot(*, per_worker: int, total: int, now: datetime) -> bool:
    """Return whether any living worker may run one more pump."""
    leases = active_leases("pump", now=now)
    if total and len(leases) >= total:
        return False
    if _count_loops(current_worker_id(), leases) < per_worker:
        return True
    workers = [worker for worker in Worker.objects.all() if worker.is_alive(now=now)]
    return any(_count_loops(worker.id, leases) < worker.pumps for worker in workers)


def pump_capacity(workers: Iterable[Worker], *, total: int, now: datetime) -> int:
    """Return how many pumps may run: those of all live workers, within the installation's limit."""
    pumps = sum(worker.pumps for worker in workers if worker.is_alive(now=now))
    return min(pumps, total) if total else pumps


def acquire_slot(
    kind: LoopKind, lease: UUID, *, per_worker: float = math.inf, total: int = 0, now: datetime
) -> bool:
    """Take a slot; return False if this worker or the installation runs all allowed loops."""
    slots = LoopSlot.objects.filter(kind=kind)
    LoopSlot.objects.bulk_create([LoopSlot(kind=kind, number=0)], ignore_conflicts=True)
    with transaction.atomic():
        slots.select_for_update().get(number=0)  # one decision at a time
        if not has_local_slot(kind, per_worker=per_worker, total=total, now=now):
            return False
        numbers = set(slots.filter(lease_until__gt=now).values_list("number", flat=True))
        number = next(number for number in range(len(numbers) + 1) if number not in numbers)
        LoopSlot.objects.update_or_create(
            kind=kind, number=number, defaults=SLOT_LEASES.columns(lease, now=now)
        )
        return True


def extend_slot(lease: UUID, *, now: datetime) -> bool:
    """Extend the slot; return False if it is lost, as an expired slot may be another loop's."""
    return SLOT_LEASES.renew(lease, now=now)


def release_slot(lease: UUID) -> None:
    SLOT_LEASES.release(lease)
