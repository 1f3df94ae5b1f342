"""At most HUB_PUMPS pumps run for each worker, and HUB_PUMPS_TOTAL in all: each holds a leased place."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from hub import rows
from hub.outgoing.models import PumpSlot
from hub.outgoing.pump.leases import worker_prefix
from hub.standing import NO_WORKER, Worker, current_worker

LEASE = timedelta(seconds=12)


def living_leases(*, now: datetime) -> list[UUID]:
    """The leases of pumps that claim."""
    moment = connection.ops.adapt_datetimefield_value(now)
    found = rows.ask("SELECT lease FROM outgoing_pumpslot WHERE lease_until > %s", [moment])
    return [lease if isinstance(lease, UUID) else UUID(lease or NO_WORKER.hex) for (lease,) in found]


def resident(*, now: datetime) -> bool:
    """Whether a pump runs that looks at due lanes by itself."""
    return bool(living_leases(now=now))


def count_of(worker: UUID, leases: Sequence[UUID]) -> int:
    return sum(lease.bytes.startswith(worker_prefix(worker)) for lease in leases)


def has_room(*, places: int, total: int, now: datetime) -> bool:
    """Whether this worker may run one more pump; `total` is the limit of the installation, 0 for none."""
    leases = living_leases(now=now)
    return count_of(current_worker(), leases) < places and not (total and len(leases) >= total)


def is_free(*, places: int, total: int, now: datetime) -> bool:
    """Whether this worker or another one may run one more pump."""
    leases = living_leases(now=now)
    if total and len(leases) >= total:
        return False
    if count_of(current_worker(), leases) < places:
        return True
    workers = [worker for worker in Worker.objects.all() if worker.is_alive(now=now)]
    return any(count_of(worker.id, leases) < worker.pumps for worker in workers)


def capacity(workers: Iterable[Worker], *, total: int, now: datetime) -> int:
    """How many pumps may run in all: those of the living workers, within the limit of the installation."""
    pumps = sum(worker.pumps for worker in workers if worker.is_alive(now=now))
    return min(pumps, total) if total else pumps


def take(lease: UUID, *, places: int, total: int, now: datetime) -> bool:
    """Take a place; False where this worker, or the installation, runs as many pumps as it may."""
    PumpSlot.objects.bulk_create([PumpSlot(number=0)], ignore_conflicts=True)
    with transaction.atomic():
        PumpSlot.objects.select_for_update().get(number=0)  # whoever has it decides alone
        if not has_room(places=places, total=total, now=now):
            return False
        taken = set(PumpSlot.objects.filter(lease_until__gt=now).values_list("number", flat=True))
        number = next(number for number in range(len(taken) + 1) if number not in taken)
        PumpSlot.objects.update_or_create(number=number, defaults={"lease": lease, "lease_until": now + LEASE})
        return True


def keep(lease: UUID, *, now: datetime) -> None:
    PumpSlot.objects.filter(lease=lease).update(lease_until=now + LEASE)


def leave(lease: UUID) -> None:
    PumpSlot.objects.filter(lease=lease).update(lease=None, lease_until=None)
