"""Jobs for lists and pages: the schedule as text, next times, last run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import dateformat

from connectors.registry import find_connector_label
from hub.scheduled.insight.schedule_words import describe_schedule
from hub.scheduled.models import HUB_KINDS, Job, JobSchedule, Run
from hub.scheduled.slots import list_slots
from tenants.models import Tenant

TIMES_SHOWN = 3
LOOK_AHEAD = timedelta(days=800)  # further than two years of leap days are not looked for


class ShownTime(NamedTuple):
    at: datetime
    words: str  # in its own zone, such as "Mon 2026-11-30 09:00 CET"


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, with one tenant's schedule and last run.

    `schedule` is None if the tenant has no usable connection, or if the row is about all tenants.
    """

    job: Job
    schedule: JobSchedule | None = None
    last_run: Run | None = None
    next_times: Sequence[datetime] = ()  # in the zone of the schedule

    @property
    def words(self) -> str:
        """Return the schedule as text."""
        return describe_schedule(self.job.cron)

    @property
    def window(self) -> timedelta:
        return timedelta(minutes=self.job.window_minutes)

    @property
    def deadline(self) -> timedelta:
        return timedelta(minutes=self.job.deadline_minutes)

    @property
    def shown_times(self) -> list[ShownTime]:
        return [ShownTime(at, dateformat.format(at, "D Y-m-d H:i T")) for at in self.next_times]

    @property
    def time_zone(self) -> str:
        return self.schedule.time_zone if self.schedule else ""

    @property
    def system(self) -> str:
        return find_connector_label(self.job.connector_key)

    @property
    def state(self) -> str:
        """Return enabled, disabled, or excluded if staff excluded the tenant."""
        if not self.job.is_enabled:
            return "disabled"
        return "excluded" if self.schedule and self.schedule.is_excluded else "enabled"


def readable_jobs() -> QuerySet[Job]:
    """Return a queryset of people's jobs with the columns of a row, in one query."""
    return Job.unscoped.exclude(kind__in=HUB_KINDS).select_related("tenant", "connection")


def build_job_rows(jobs: Collection[Job], tenant: Tenant | None, *, now: datetime) -> list[JobRow]:
    """Return a row for each job; with a tenant its schedules and runs, in three queries.

    Without one, the schedule is that of the job's own tenant.
    """
    pairs = {job.pk: tenant.pk if tenant else job.tenant_id for job in jobs}
    schedules = {
        (schedule.job_id, schedule.tenant_id): schedule
        for schedule in JobSchedule.unscoped.filter(
            job__in=list(pairs), tenant__in={pk for pk in pairs.values() if pk}
        )
    }
    runs = load_last_runs(list(pairs), tenant)
    return [
        build_job_row(job, schedules.get((job.pk, pairs[job.pk] or 0)), runs.get(job.pk), now=now)
        for job in jobs
    ]


def load_last_runs(job_ids: Collection[int], tenant: Tenant | None) -> dict[int, Run]:
    """Return the newest run of each job; with a tenant, among its own runs."""
    runs = Run.unscoped.filter(job=OuterRef("pk")).order_by("-pk")
    if tenant:
        runs = runs.filter(tenant=tenant)
    jobs = Job.unscoped.filter(pk__in=list(job_ids))
    newest = jobs.annotate(newest=Subquery(runs.values("pk")[:1])).values("newest")
    rows = Run.unscoped.filter(pk__in=newest).select_related("tenant")
    return {run.job_id: run for run in rows}


def build_job_row(
    job: Job, schedule: JobSchedule | None, last_run: Run | None, *, now: datetime
) -> JobRow:
    times = list_next_times(job, schedule, now=now) if schedule else []
    return JobRow(job, schedule, last_run, times)


def list_next_times(job: Job, schedule: JobSchedule, *, now: datetime) -> list[datetime]:
    """List the next slots in the schedule's time zone; empty for a job that does not run."""
    if not job.is_enabled or schedule.is_excluded:
        return []
    start = max(now, schedule.next_slot_at or now)
    slots = list_slots(
        job.cron, schedule.time_zone, start=start, end=start + LOOK_AHEAD, limit=TIMES_SHOWN
    )
    zone = ZoneInfo(schedule.time_zone)
    return [slot.astimezone(zone) for slot in slots]
