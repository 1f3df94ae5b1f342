"""Create, change, enable and delete jobs, and exclude tenants; each writes its audit row."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hub.actions import Action, declare_actions
from hub.audit import ActorContext, audit_values
from hub.problems import Refusal
from hub.scheduled.jobs.job_checks import (
    DEADLINE_AFTER_WINDOW,
    DEFAULT_WINDOWS,
    InvalidJob,
    check_conflicts,
    check_job,
)
from hub.scheduled.jobs.schedules import create_schedule, restart_schedules
from hub.scheduled.models import HUB_KINDS, Job, JobSchedule, Run

COLUMNS = (
    "name",
    "kind",
    "tenant",
    "connector_key",
    "connection",
    "cron",
    "window_minutes",
    "deadline_minutes",
    "concurrency_group",
    "options",
    "is_enabled",
    "catch_up",
    "priority",
)
SCHEDULE_COLUMNS = {"cron", "is_enabled"}  # a change of these restarts the schedules
CONFLICT_COLUMNS = {"options", "is_enabled"}  # a change of these may exclude another job
JOB_DISABLED = "job_disabled"
MAX_JOBS = 100  # of a tenant
WRITE_SCOPE = "jobs:write"


class JobInUse(Refusal):
    """A run of the job has not ended, so the job cannot be deleted."""

    sentence = gettext_lazy(
        "A run of this job has not ended. Cancel it, or disable the job instead."
    )


def build_job(**values: Any) -> Job:
    """Return an unsaved job; window and deadline default to those of its kind."""
    window = values.setdefault("window_minutes", DEFAULT_WINDOWS.get(values.get("kind", ""), 240))
    values.setdefault("deadline_minutes", window + DEADLINE_AFTER_WINDOW)
    return Job(**values)


@transaction.atomic
def create_job(job: Job, actor: ActorContext, *, now: datetime) -> Job:
    """Store an unsaved job, with slots from now on. Raises InvalidJob.

    A job of all tenants gets the schedules of its tenants in the next sweep.
    """
    check_job(job)
    check_conflicts(job)
    _check_number_of_jobs(job)
    job.created_at = job.updated_at = now
    job.save(force_insert=True)
    if job.tenant is not None:
        create_schedule(job, job.tenant, now=now)
    after = audit_values(job, COLUMNS)
    actor.audit("job.create", job, after=after, now=now)
    return job


def _check_number_of_jobs(job: Job) -> None:
    """Raise InvalidJob if the tenant has the maximal number of jobs."""
    jobs = Job.unscoped.filter(tenant=job.tenant_id).exclude(kind__in=HUB_KINDS)
    if job.tenant_id and jobs.count() >= MAX_JOBS:
        most = {"most": MAX_JOBS}
        raise InvalidJob({"name": _("A tenant may have %(most)s jobs. Delete one first.") % most})


@transaction.atomic
def change_job(job: Job, actor: ActorContext, *, now: datetime) -> Job:
    """Store the changed columns of a job. Raises InvalidJob; a job can always be disabled.

    After a change of its schedule, earlier slots are not run any more. Waiting runs keep their
    times.
    """
    stored = Job.unscoped.select_for_update(of=("self",), no_key=True).get(pk=job.pk)
    before = audit_values(stored, COLUMNS)
    after = audit_values(job, COLUMNS)
    changed = [column for column in COLUMNS if before[column] != after[column]]
    if not changed:
        return job
    if job.is_enabled or changed != ["is_enabled"]:
        check_job(job)
    if CONFLICT_COLUMNS.intersection(changed):
        check_conflicts(job)
    job.updated_at = now
    job.save(update_fields=[*changed, "updated_at"])
    if SCHEDULE_COLUMNS.intersection(changed):
        restart_schedules(job, now=now)
    if not job.is_enabled:
        _skip_waiting_runs(job, now=now)
    actor.audit(
        "job.change",
        job,
        before={column: before[column] for column in changed},
        after={column: after[column] for column in changed},
        now=now,
    )
    return job


def enable_job(job: Job, actor: ActorContext, *, now: datetime) -> Job:
    """Let the job run at its slots from now on."""
    job.is_enabled = True
    return change_job(job, actor, now=now)


def disable_job(job: Job, actor: ActorContext, *, now: datetime) -> Job:
    """Let the job run at no slot; runs that have started continue."""
    job.is_enabled = False
    return change_job(job, actor, now=now)


def _skip_waiting_runs(job: Job, *, now: datetime) -> None:
    """Skip the runs of slots that have not started."""
    waiting = Run.unscoped.filter(job=job, state="waiting", started_at=None, slot_at__isnull=False)
    waiting.update(state="skipped", reason=JOB_DISABLED, finished_at=now)


@transaction.atomic
def delete_job(job: Job, actor: ActorContext, *, now: datetime) -> None:
    """Delete a job with its runs and discrepancies. Raises JobInUse while one of its runs is open.

    Runs that wait for their first start do not prevent this.
    """
    Job.unscoped.select_for_update(of=("self",)).get(pk=job.pk)
    open_runs = Run.unscoped.filter(job=job, state__in=Run.OPEN_STATES)
    if open_runs.exclude(state="waiting", started_at=None).exists():
        raise JobInUse
    actor.audit("job.delete", job, before={"name": job.name, "kind": job.kind}, now=now)
    job.delete()


@transaction.atomic
def set_excluded(
    schedule: JobSchedule, actor: ActorContext, *, is_excluded: bool, now: datetime
) -> None:
    """Exclude a tenant from a job, or include it again from now on."""
    job, tenant = schedule.job, schedule.tenant
    if schedule.is_excluded == is_excluded:
        return
    schedule.is_excluded = is_excluded
    schedule.save(update_fields=["is_excluded"])
    if is_excluded:
        waiting = Run.unscoped.filter(job=job, tenant=tenant, state="waiting", started_at=None)
        waiting.filter(slot_at__isnull=False).update(
            state="skipped", reason="excluded", finished_at=now
        )
    verb = "job.exclude_tenant" if is_excluded else "job.include_tenant"
    actor.audit(verb, job, tenant=tenant, after={"tenant": tenant.reference}, now=now)


@transaction.atomic
def set_tenant_priority(
    schedule: JobSchedule, actor: ActorContext, *, priority: int, now: datetime
) -> None:
    """Set the priority of a tenant's runs of a job, from the next slot on.

    Runs with a greater priority start first.
    """
    if schedule.priority == priority:
        return
    before, schedule.priority = schedule.priority, priority
    schedule.save(update_fields=["priority"])
    names = {"tenant": schedule.tenant.reference}
    actor.audit(
        "job.prioritise_tenant",
        schedule.job,
        tenant=schedule.tenant,
        before=names | {"priority": before},
        after=names | {"priority": priority},
        now=now,
    )


OWN_JOB_ACTIONS = declare_actions(  # not for a tenant on a job of all tenants
    Action[Job](
        name="enable",
        label=gettext_lazy("Enable"),
        question=gettext_lazy("It runs at the times of its schedule from now on."),
        success=gettext_lazy("The job is enabled. It runs at its next time."),
        run=enable_job,
        is_available=lambda job: not job.is_enabled,
        icon="check",
        withheld={"rest": "Programs change `enabled` with a PATCH of the job."},
    ),
    Action[Job](
        name="disable",
        label=gettext_lazy("Disable"),
        question=gettext_lazy("It runs at no time of its schedule until it is enabled again."),
        success=gettext_lazy("The job is disabled. A run that has started goes on."),
        run=disable_job,
        is_available=lambda job: job.is_enabled,
        icon="block",
        withheld={"rest": "Programs change `enabled` with a PATCH of the job."},
    ),
    Action[Job](
        name="delete",
        label=gettext_lazy("Delete this job"),
        question=gettext_lazy(
            "Its runs and the differences that they found are deleted, too. This cannot be undone."
        ),
        success=gettext_lazy("The job and its runs have been deleted."),
        run=delete_job,
        icon="delete",
        tone="danger",
        removes=True,
        withheld={"rest": "Programs send DELETE to the URL of the job."},
    ),
)
