"""Jobs, schedules and runs, as a night needs them."""

from datetime import timedelta

from hub.scheduled.models import Job, JobSchedule, Run
from tests.factories import NOON

DAY = timedelta(days=1)


def create_job(tenant=None, **values):
    defaults = {
        "kind": "reconcile",
        "name": "Nightly orders",
        "connector_key": "salesforce",
        "cron": "0 2 * * *",
        "tenant": tenant,
    }
    return Job.unscoped.create(**defaults | values)


def create_schedule(job, tenant, *, next_slot_at, **values):
    defaults = {"time_zone": "UTC", "last_slot_at": next_slot_at - DAY}
    return JobSchedule.unscoped.create(
        job=job, tenant=tenant, next_slot_at=next_slot_at, **defaults | values
    )


def create_run(job, tenant, *, slot_at=NOON, seconds=60, calls=None, **values):
    """Create a run that started at its slot, and has finished after `seconds`."""
    finished_at = slot_at + timedelta(seconds=seconds)
    defaults = {
        "state": "finished",
        "due_at": slot_at,
        "window_ends_at": slot_at + DAY / 6,
        "deadline_at": slot_at + DAY / 4,
        "started_at": slot_at,
        "finished_at": finished_at,
        "created_at": slot_at,
        "calls": calls or {},
    }
    return Run.unscoped.create(job=job, tenant=tenant, slot_at=slot_at, **defaults | values)
