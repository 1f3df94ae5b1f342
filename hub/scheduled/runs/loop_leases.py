"""Record which run loops run, by a leased row each.

With the rows few wake-ups are needed, and loops leave slots of their class to other tasks.
"""

from datetime import datetime, timedelta
from uuid import UUID

from hub.processes.leases import lease_range, worker_prefix
from hub.processes.worker_registry import current_worker_id
from hub.queue import has_queued_wake_ups, wake_up
from hub.queue.work_classes import LONG, count_slots
from hub.scheduled.models import RunLoopLease
from hub.scheduled.runs.claim import is_run_due

LOOP_LEASE = timedelta(seconds=15)


def acquire_loop_lease(lease: UUID, *, now: datetime) -> bool:
    """Store that a loop is running; False if loops would fill all slots of this worker's class."""
    RunLoopLease.objects.filter(lease_until__lt=now).delete()
    low, high = lease_range(worker_prefix(current_worker_id()))
    running = RunLoopLease.objects.filter(lease__range=(low, high)).count()
    if running >= count_loops():
        return False
    RunLoopLease.objects.create(lease=lease, lease_until=now + LOOP_LEASE)
    return True


def count_loops() -> int:
    """Return how many loops one worker may run: one less than the slots of the class."""
    return max(1, count_slots()[LONG] - 1)


def is_slot_wanted() -> bool:
    """Return whether other tasks wait for the only slot of the class; the loop then ends early."""
    return count_slots()[LONG] == 1 and has_queued_wake_ups(LONG)


def extend_loop_lease(lease: UUID, *, now: datetime) -> None:
    RunLoopLease.objects.filter(lease=lease).update(lease_until=now + LOOP_LEASE)


def release_loop_lease(lease: UUID) -> None:
    RunLoopLease.objects.filter(lease=lease).delete()


def free_loop_leases(low: UUID, high: UUID) -> None:
    """End the leases in this range, whose holder is dead."""
    RunLoopLease.objects.filter(lease__range=(low, high)).delete()


def wake_runs(*, now: datetime) -> None:
    """Start a loop if runs are due and none is running; a step of the sweep."""
    if is_run_due(now=now) and not RunLoopLease.objects.filter(lease_until__gt=now).exists():
        wake_up("run", now=now)
