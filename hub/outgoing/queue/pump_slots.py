"""Slots of pumps: HUB_PUMPS for each worker, HUB_PUMPS_TOTAL in all. A running pump leases one."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from hub.connections.models import Lane
from hub.db import bulk
from hub.outgoing.models import PumpSlot
from hub.processes.leases import lease_range, worker_prefix
from hub.processes.worker_registry import NO_WORKER, Worker, current_worker_id

SLOT_LEASE = timedelta(seconds=12)


def active_pump_leases(*, now: datetime) -> list[UUID]:
    """Return the leases of the running pumps."""
    parameter = connection.ops.adapt_datetimefield_value(now)
    lease_rows = bulk.query_rows(
        "SELECT lease FROM outgoing_pumpslot WHERE lease_until > %s", [parameter]
    )
    return [
        lease if isinstance(lease, UUID) else UUID(lease or NO_WORKER.hex)
        for (lease,) in lease_rows
    ]


def is_any_pump_running(*, now: datetime) -> bool:
    """Return whether a pump is running; it claims due lanes without a wake-up."""
    return bool(active_pump_leases(now=now))


def _count_pumps(worker: UUID, leases: Sequence[UUID]) -> int:
    return sum(lease.bytes.startswith(worker_prefix(worker)) for lease in leases)


def has_local_slot(*, per_worker: int, total: int, now: datetime) -> bool:
    """Return whether this worker may run another pump. `total`: of all workers; 0: no limit."""
    leases = active_pump_leases(now=now)
    return _count_pumps(current_worker_id(), leases) < per_worker and not (
        total and len(leases) >= total
    )


def has_any_slot(*, per_worker: int, total: int, now: datetime) -> bool:
    """Return whether any living worker may run one more pump."""
    leases = active_pump_leases(now=now)
    if total and len(leases) >= total:
        return False
    if _count_pumps(current_worker_id(), leases) < per_worker:
        return True
    workers = [worker for worker in Worker.objects.all() if worker.is_alive(now=now)]
    return any(_count_pumps(worker.id, leases) < worker.pumps for worker in workers)


def pump_capacity(workers: Iterable[Worker], *, total: int, now: datetime) -> int:
    """Return how many pumps may run: those of all live workers, within the installation's limit."""
    pumps = sum(worker.pumps for worker in workers if worker.is_alive(now=now))
    return min(pumps, total) if total else pumps


def acquire_slot(lease: UUID, *, per_worker: int, total: int, now: datetime) -> bool:
    """Take a slot; return False if this worker or the installation runs all allowed pumps."""
    PumpSlot.objects.bulk_create([PumpSlot(number=0)], ignore_conflicts=True)
    with transaction.atomic():
        PumpSlot.objects.select_for_update().get(number=0)  # one decision at a time
        if not has_local_slot(per_worker=per_worker, total=total, now=now):
            return False
        used_numbers = set(
            PumpSlot.objects.filter(lease_until__gt=now).values_list("number", flat=True)
        )
        number = next(
            number for number in range(len(used_numbers) + 1) if number not in used_numbers
        )
        PumpSlot.objects.update_or_create(
            number=number, defaults={"lease": lease, "lease_until": now + SLOT_LEASE}
        )
        return True


def extend_slot(lease: UUID, *, now: datetime) -> bool:
    """Extend the slot; return False if it is lost, as an expired slot may be another pump's."""
    held_slot = PumpSlot.objects.filter(lease=lease, lease_until__gt=now)
    return bool(held_slot.update(lease_until=now + SLOT_LEASE))


def release_slot(lease: UUID) -> None:
    PumpSlot.objects.filter(lease=lease).update(lease=None, lease_until=None)


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
