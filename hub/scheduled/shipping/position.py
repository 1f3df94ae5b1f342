"""The position of a job in its log: claimed by one run, which alone may change it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from hub.scheduled.log_intake.append import lock_logs
from hub.scheduled.models import Job, Log, LogChunk, LogPosition, Run
from hub.scheduled.runs.context import RunFailed, RunStopped
from hub.scheduled.shipping.figures import ships_log
from hub.scheduled.shipping.retention import notify_rejected
from hub.scheduled.shipping.shipment import Shipment
from tenants.models import Tenant


@transaction.atomic
def claim_position(tenant: Tenant, source: str, run: Run) -> LogPosition:
    """Claim and return the position of the run's job in a log, which it alone may change now.

    Raises RunFailed if another run of the job is shipping.
    """
    log = lock_logs({(tenant.pk, source)})[tenant.pk, source]
    create_positions(log, {run.job, *find_jobs_of_log(log)})
    positions = LogPosition.unscoped.select_for_update(of=("self",), no_key=True)
    position = positions.select_related("run", "log").get(log=log, job=run.job_id)
    holder = position.run
    if holder is not None and holder.pk != run.pk and holder.state == Run.State.RUNNING:
        raise RunFailed("log_in_use", str(holder.job_id))
    position.run = run
    position.save(update_fields=["run"])
    return position


def find_jobs_of_log(log: Log) -> Iterator[Job]:
    """Yield the enabled jobs that ship this log."""
    jobs = Job.unscoped.filter(kind=Job.Kind.SHIP, is_enabled=True)
    for job in jobs.filter(Q(tenant=log.tenant_id) | Q(tenant=None)):
        if ships_log(job, log):
            yield job


def create_positions(log: Log, jobs: Collection[Job]) -> None:
    """Create the missing positions of these jobs. The log is locked.

    Each claim does this for all jobs of the log, so a new job begins with the lines that waited
    when it was created. The first job takes the position that has no job, if there is no other.
    """
    positions = list(log.positions.order_by("-shipped_line", "pk"))
    known = {position.job_id for position in positions}
    missing = sorted((job for job in jobs if job.pk not in known), key=lambda job: job.pk)
    without_job = [position for position in positions if position.job_id is None]
    if known == {None}:
        adopted = without_job.pop(0)
        adopted.job = missing.pop(0)
        adopted.save(update_fields=["job"])
    LogPosition.unscoped.filter(pk__in=[position.pk for position in without_job]).delete()
    shipped_line = min(position.shipped_line for position in positions)
    lines = [min(shipped_line, find_line_received_since(log, job.created_at)) for job in missing]
    LogPosition.unscoped.bulk_create(
        LogPosition(tenant_id=log.tenant_id, log=log, job=job, first_line=line, shipped_line=line)
        for job, line in zip(missing, lines, strict=True)
    )


def find_line_received_since(log: Log, moment: datetime) -> int:
    """Return the number of the first line that was received since then, or of the next line."""
    chunks = LogChunk.unscoped.filter(tenant=log.tenant_id, source=log.source)
    received = chunks.filter(received_at__gte=moment).order_by("first_line")
    line = received.values_list("first_line", flat=True).first()
    return log.next_line if line is None else line


@dataclass(slots=True)
class PositionWriter:
    """Stores a shipment in the position of its log. `stored_line`: number of the shipped line."""

    position: LogPosition
    run: Run
    stored_line: int

    def store(self, shipment: Shipment, *, rejected: int, now: datetime) -> None:
        """Store the shipment. Raises RunStopped if another run or the retention moved it."""
        held_positions = LogPosition.unscoped.filter(
            pk=self.position.pk, run=self.run, shipped_line=self.stored_line
        )
        has_advanced = shipment.shipped_line > self.stored_line
        changed = held_positions.update(
            shipped_line=shipment.shipped_line,
            rejected_count=F("rejected_count") + rejected,
            batches=shipment.to_json(),
            **({"shipped_at": now} if has_advanced else {}),
        )
        if not changed:
            raise RunStopped("the position of the log was changed")
        self.stored_line = shipment.shipped_line
        notify_rejected(self.position, rejected, now=now)


def find_next_line(position: LogPosition) -> int:
    """Return the number that the next received line will get, from the database."""
    next_line: int = Log.unscoped.values_list("next_line", flat=True).get(pk=position.log_id)
    return next_line


def release_position(position: LogPosition, run: Run) -> None:
    LogPosition.unscoped.filter(pk=position.pk, run=run).update(run=None)
