"""Schedules: one for each job and tenant, with the time of its next slot."""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from connectors.registry import CONNECTORS
from hub.connections.models import DISCONNECTED, Connection
from hub.scheduled.models import Job, JobSchedule
from hub.scheduled.slots import is_hourly_cron, is_slot, next_slot
from tenants.models import Tenant

MAX_SCHEDULES = 500  # of one step


def create_schedule(job: Job, tenant: Tenant, *, now: datetime) -> JobSchedule:
    """Create the schedule of a job for one tenant, if it has none; its slots begin now."""
    schedule = build_schedule(job, tenant, now=now)
    JobSchedule.unscoped.bulk_create([schedule], ignore_conflicts=True)
    return JobSchedule.unscoped.get(job=job, tenant=tenant)


def build_schedule(job: Job, tenant: Tenant, *, now: datetime) -> JobSchedule:
    """Return an unsaved schedule whose slots begin now."""
    return JobSchedule(
        job=job,
        tenant=tenant,
        time_zone=tenant.time_zone,
        last_slot_at=now,
        next_slot_at=find_next_slot(job, tenant.time_zone, after=now),
    )


def find_next_slot(job: Job, time_zone: str, *, after: datetime) -> datetime | None:
    """Return the job's first slot after a time; None if it is disabled."""
    return next_slot(job.cron, time_zone, after=after) if job.is_enabled else None


def create_missing_schedules(*, now: datetime) -> int:
    """Create schedules of jobs of all tenants for tenants that have connected the system since.

    A step of the sweep; returns how many were created.
    """
    count = 0
    for job in Job.unscoped.filter(tenant=None, is_enabled=True):
        tenants = select_tenants_without_schedule(job)[:MAX_SCHEDULES]
        schedules = [build_schedule(job, tenant, now=now) for tenant in tenants]
        if schedules:
            JobSchedule.unscoped.bulk_create(schedules, ignore_conflicts=True)
        count += len(schedules)
    return count


def select_tenants_without_schedule(job: Job) -> QuerySet[Tenant]:
    """Select the tenants that have connected the job's system, and have no schedule of it.

    Our own application is shared by all tenants.
    """
    connections = usable_connections().filter(
        tenant=OuterRef("pk"), connector_key=job.connector_key
    )
    schedules = JobSchedule.unscoped.filter(job=job, tenant=OuterRef("pk"))
    tenants = Tenant.objects.filter(~Exists(schedules)).order_by("pk")
    is_shared = CONNECTORS[job.connector_key].is_for_platform
    return tenants if is_shared else tenants.filter(Exists(connections))


def usable_connections() -> QuerySet[Connection]:
    """Return a queryset of the connections that are not disconnected."""
    return Connection.unscoped.exclude(Q(state="disabled") & Q(reason=DISCONNECTED))


@transaction.atomic
def apply_changed_time_zones(*, now: datetime) -> int:
    """Compute the next slots of tenants whose time zone has changed; return how many were changed.

    A step of the sweep.
    """
    schedules = lock_schedules(JobSchedule.unscoped.exclude(time_zone=F("tenant__time_zone")))
    for schedule in schedules:
        change_time_zone(schedule, schedule.tenant.time_zone)
    save_schedules(schedules)
    return len(schedules)


def lock_schedules(schedules: QuerySet[JobSchedule]) -> list[JobSchedule]:
    """Lock schedules that no other transaction has locked, and return them with job and tenant."""
    locked = schedules.select_for_update(skip_locked=True, no_key=True, of=("self",))
    return list(locked.select_related("job", "tenant").order_by("pk")[:MAX_SCHEDULES])


def change_time_zone(schedule: JobSchedule, time_zone: str) -> None:
    """Apply another time zone to an unsaved schedule, without repeating a slot.

    A slot at fixed hours counts as done for its local time: in the new zone only later local times
    follow.
    """
    job, last = schedule.job, schedule.last_slot_at
    if not is_hourly_cron(job.cron) and is_slot(job.cron, schedule.time_zone, last):
        local_time = last.astimezone(ZoneInfo(schedule.time_zone)).replace(tzinfo=None)
        same_time = local_time.replace(tzinfo=ZoneInfo(time_zone), fold=1).astimezone(UTC)
        schedule.last_slot_at = max(last, same_time)
    schedule.time_zone = time_zone
    schedule.next_slot_at = find_next_slot(job, time_zone, after=schedule.last_slot_at)


def restart_schedules(job: Job, *, now: datetime) -> None:
    """Compute the next slots of a job that was changed, enabled or disabled.

    Earlier slots are not run any more. Must be called in a transaction.
    """
    rows = JobSchedule.unscoped.filter(job=job).select_for_update(no_key=True, of=("self",))
    schedules = list(rows.select_related("tenant").order_by("pk"))
    for schedule in schedules:
        schedule.time_zone = schedule.tenant.time_zone
        schedule.last_slot_at = max(schedule.last_slot_at, now)
        schedule.next_slot_at = find_next_slot(job, schedule.time_zone, after=schedule.last_slot_at)
    save_schedules(schedules)


def save_schedules(schedules: Iterable[JobSchedule]) -> None:
    """Store the slots and time zones of schedules, in few statements."""
    columns = ["time_zone", "last_slot_at", "next_slot_at"]
    JobSchedule.unscoped.bulk_update(schedules, columns, batch_size=200)
