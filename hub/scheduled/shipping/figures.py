"""Figures of log shipping: received, shipped and dropped lines, and the lag."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

from hub.scheduled.models import Job, Log, LogChunk, LogPosition, LogSource, Run
from hub.scheduled.shipping.options import parse_shipping_options
from tenants.models import Tenant

SHIPPING_KIND = "ship"


@dataclass(frozen=True, slots=True)
class LogFigures:
    """Counts of lines. `lag_seconds` is the age of the oldest waiting line, 0 if none waits."""

    source: str
    job: Job | None  # None: no job has shipped this log yet
    received: int  # since the job began
    shipped: int
    rejected: int  # by the system, each alone
    dropped: int  # older than the retention, unshipped
    backlog: int
    unacknowledged: int  # of the backlog: sent, and not confirmed yet
    lag_seconds: float
    received_at: datetime | None
    shipped_at: datetime | None

    @property
    def label(self) -> str:
        return str(LogSource(self.source).label)


def measure_logs(tenant: Tenant, *, now: datetime) -> list[LogFigures]:
    """Return the figures of each log of the tenant and job that ships it."""
    positions = LogPosition.objects.of(tenant).order_by("log__source", "pk")
    return _measure_positions(positions, now=now)


def measure_waiting_logs(*, now: datetime) -> list[LogFigures]:
    """Return the figures of each position with lines to ship, of all tenants."""
    waiting = LogPosition.unscoped.filter(log__next_line__gt=F("shipped_line"))
    return _measure_positions(waiting, now=now)


def _measure_positions(positions: QuerySet[LogPosition], *, now: datetime) -> list[LogFigures]:
    """Return the figures of positions, in one query and one for each whose job ships no more."""
    return [
        measure_position(position, now=now)
        for position in positions_with_age(positions)
        if not is_replaced(position)
    ]


def ships_log(job: Job, log: Log) -> bool:
    return job.is_enabled and parse_shipping_options(job.options).source == log.source


def is_replaced(position: LogPosition) -> bool:
    """Return whether the job of a position ships its log no more, and another one does: its lines
    wait for nobody.
    """
    if position.job is None or ships_log(position.job, position.log):
        return False
    others = position.log.positions.exclude(job=None).select_related("job")
    return any(other.job and ships_log(other.job, position.log) for other in others)


def positions_with_age(positions: QuerySet[LogPosition]) -> QuerySet[Any]:
    """Annotate `waiting_since`: when the oldest waiting line was received.

    It is read from the chunk of the line after the shipped ones, which is the newest that begins at
    this line or before: one row of the index. Without a backlog the value is meaningless.
    """
    begun_chunks = LogChunk.unscoped.filter(
        tenant=OuterRef("tenant"),
        source=OuterRef("log__source"),
        first_line__lte=OuterRef("shipped_line"),
    )
    newest = begun_chunks.order_by("-first_line").values("received_at")[:1]
    related = positions.select_related("log", "job")
    return related.annotate(waiting_since=Subquery(newest))


def measure_position(position: Any, *, now: datetime) -> LogFigures:
    """Return the figures of a position with its annotation `waiting_since`."""
    given_up_count = position.dropped_count + position.rejected_count
    # behind a batch that waits for its acknowledgement
    acknowledged = sum(batch["count"] for batch in position.batches if batch["ticket"] is None)
    log = position.log
    backlog = log.next_line - position.shipped_line - acknowledged
    waiting_since: datetime | None = position.waiting_since if backlog else None
    return LogFigures(
        source=log.source,
        job=position.job,
        received=log.next_line - position.first_line,
        shipped=position.shipped_line - position.first_line - given_up_count + acknowledged,
        rejected=position.rejected_count,
        dropped=position.dropped_count,
        backlog=backlog,
        unacknowledged=sum(batch["count"] for batch in position.batches) - acknowledged,
        lag_seconds=max(0.0, (now - waiting_since).total_seconds()) if waiting_since else 0.0,
        received_at=log.received_at,
        shipped_at=position.shipped_at,
    )


def sum_figures(figures: Iterable[LogFigures]) -> dict[str, float]:
    """Return the sum of the counts of all logs, and the longest lag."""
    rows = list(figures)
    return {
        "received": sum(row.received for row in rows),
        "shipped": sum(row.shipped for row in rows),
        "backlog": sum(row.backlog for row in rows),
        "rejected": sum(row.rejected for row in rows),
        "dropped": sum(row.dropped for row in rows),
        "lag_seconds": max((row.lag_seconds for row in rows), default=0.0),
    }


@dataclass(frozen=True, slots=True)
class ShippingRun:
    """A run of log shipping, for the page of log shipping."""

    run: Run
    lines: int
    lines_per_second: float | None  # None: it has not ended, or took no time


def recent_runs(tenant: Tenant, *, count: int = 10) -> Sequence[ShippingRun]:
    """Return the newest runs of log shipping of a tenant, in one query."""
    runs = (
        Run.objects.of(tenant).filter(job__kind=SHIPPING_KIND).select_related("job").order_by("-id")
    )
    return [build_shipping_run(run) for run in runs[:count]]


def build_shipping_run(run: Run) -> ShippingRun:
    seconds = (
        (run.finished_at - run.started_at).total_seconds()
        if run.started_at and run.finished_at
        else 0.0
    )
    return ShippingRun(run, run.done_count, run.done_count / seconds if seconds > 0 else None)


def find_last_error(tenant: Tenant) -> Run | None:
    """Return the newest failed run that is the last one of an enabled job of log shipping."""
    ended = Run.objects.of(tenant).exclude(state__in=("waiting", "running"))
    later = ended.filter(job=OuterRef("job"), pk__gt=OuterRef("pk"))
    failed = ended.filter(
        job__kind=SHIPPING_KIND, job__is_enabled=True, state__in=("failed", "blocked")
    )
    return failed.filter(~Exists(later)).order_by("-id").first()
