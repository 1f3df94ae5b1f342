"""Compute the expected cost and duration of a run, from earlier runs."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from hub.connections.quotas.quota_names import CALLS_KIND
from hub.connections.quotas.scopes import SHARED_SCOPE_KINDS, split_scope_key
from hub.scheduled.models import JobSchedule, Run

RUNS_READ = 3  # the newest finished runs of a job and tenant
HISTORY_LENGTH = timedelta(days=15)
SHARED_KINDS = (*SHARED_SCOPE_KINDS, CALLS_KIND)
SUMMED_KINDS = ("method", "channel")  # one call spends one of these; of other kinds it spends all


@dataclass(frozen=True, slots=True)
class Expectation:
    """Expected units by quota key, and seconds.

    `is_own`: derived from runs of the same tenant. `planned_calls`: of a run that exists, the calls
    by connector that were expected when it was planned.
    """

    units_by_quota: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    is_own: bool = True
    planned_calls: Mapping[str, int] | None = None

    @property
    def calls(self) -> dict[str, int]:
        """Return the expected calls by connector."""
        if self.planned_calls is not None:
            return dict(self.planned_calls)
        return {key: round(count) for key, count in count_calls(self.units_by_quota).items()}

    def at_pace(self, seconds_between_calls: float | None) -> "Expectation":
        """Return the expectation for a run with this many seconds between two calls."""
        paced_seconds = (seconds_between_calls or 0.0) * sum(self.calls.values())
        return replace(self, seconds=max(self.seconds, paced_seconds))


def count_calls(units: Mapping[str, float]) -> dict[str, float]:
    """Return calls by connector: the counted ones, otherwise estimated from the spent units.

    A call spends a unit of each kind of scope, but only of one account, and of one method or
    channel.
    """
    of_owners: dict[tuple[str, str, str], float] = defaultdict(float)
    for key, count in units.items():
        connector_key, kind, owner, _name = split_scope_key(key)
        group = (connector_key, kind, owner)
        before = of_owners[group]
        of_owners[group] = before + count if kind in SUMMED_KINDS else max(before, count)
    of_kinds: dict[tuple[str, str], float] = defaultdict(float)
    for (connector_key, kind, _owner), count in of_owners.items():
        of_kinds[connector_key, kind] += count
    calls: dict[str, float] = {}
    for (connector_key, kind), count in of_kinds.items():
        if connector_key and kind != CALLS_KIND:  # the others are rates of the hub
            calls[connector_key] = max(calls.get(connector_key, 0.0), count)
    return calls | {key: count for (key, kind), count in of_kinds.items() if kind == CALLS_KIND}


def load_expectations(
    schedules: Collection[JobSchedule], *, now: datetime
) -> dict[int, Expectation]:
    """Return the expectation of each schedule's next run by the schedule's id, in one query.

    For a schedule without finished runs, those of the job's other tenants are used; it is absent if
    there are none.
    """
    runs: dict[tuple[int, int], list[Mapping[str, Any]]] = defaultdict(list)
    for run in select_recent_runs({schedule.job_id for schedule in schedules}, now=now):
        runs[run["job_id"], run["tenant_id"]].append(run)
    own = {pair: combine_runs(rows) for pair, rows in runs.items()}
    of_jobs = {
        job_id: combine_tenants([own[pair] for pair in own if pair[0] == job_id])
        for job_id in {pair[0] for pair in own}
    }
    expectations = {}
    for schedule in schedules:
        expectation = own.get((schedule.job_id, schedule.tenant_id)) or transfer_to_tenant(
            of_jobs.get(schedule.job_id), schedule
        )
        if expectation is not None:
            expectations[schedule.pk] = expectation
    return expectations


def select_recent_runs(job_ids: Collection[int], *, now: datetime) -> QuerySet[Run, Any]:
    """Select the newest finished runs of each job and tenant; dry runs do not count."""
    since = now - HISTORY_LENGTH
    rank = Window(RowNumber(), partition_by=[F("job_id"), F("tenant_id")], order_by=F("id").desc())
    return (
        Run.unscoped.filter(
            Q(slot_at__gte=since) | Q(slot_at=None, created_at__gte=since),
            job__in=list(job_ids),
            state=Run.State.FINISHED,
            is_dry=False,
            started_at__isnull=False,
            finished_at__isnull=False,
        )
        .annotate(rank=rank)
        .filter(rank__lte=RUNS_READ)
        .values("job_id", "tenant_id", "calls", "started_at", "finished_at")
    )


def combine_runs(runs: Iterable[Mapping[str, Any]]) -> Expectation:
    """Return the median of several runs of one tenant."""
    rows = list(runs)
    keys = {key for row in rows for key in row["calls"]}
    units = {key: median(float(row["calls"].get(key, 0)) for row in rows) for key in keys}
    lengths = [(row["finished_at"] - row["started_at"]).total_seconds() for row in rows]
    return Expectation(units, max(0.0, median(lengths)))


def combine_tenants(expectations: Collection[Expectation]) -> Expectation:
    """Return the mean of several tenants, with empty owners in the keys of quotas."""
    count = len(expectations)
    units: dict[str, float] = defaultdict(float)
    for expectation in expectations:
        for key, value in expectation.units_by_quota.items():
            connector_key, kind, _owner, name = split_scope_key(key)
            units["|".join((connector_key, kind, "", name))] += value / count
    seconds = sum(expectation.seconds for expectation in expectations) / count
    return Expectation(units, seconds, is_own=False)


def transfer_to_tenant(
    expectation: Expectation | None, schedule: JobSchedule
) -> Expectation | None:
    """Return the expectation with the tenant as the owner of quotas that are not shared."""
    if expectation is None:
        return None
    units = {}
    for key, value in expectation.units_by_quota.items():
        connector_key, kind, _owner, name = split_scope_key(key)
        owner = "" if kind in SHARED_KINDS else f"tenant {schedule.tenant_id}"
        units["|".join((connector_key, kind, owner, name))] = value
    return Expectation(units, expectation.seconds, is_own=False)
