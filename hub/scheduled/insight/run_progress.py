"""Progress, pace, cost and result of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from hub.connections.quotas.quota_names import describe_scope, describe_system
from hub.connections.quotas.scopes import split_scope_key
from hub.reason_codes import Reason, find_reason
from hub.scheduled.models import Run, RunLogEntry
from hub.scheduled.runs.progress import measure_progress
from hub.state_texts import RUN_STATES

LOG_LINES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Progress for pages. `percent`: None if unknown; `rate`: per second, None if unknown."""

    percent: int | None
    rate: float | None
    seconds_left: int | None
    duration: timedelta | None


@dataclass(frozen=True, slots=True)
class SpentQuota:
    """The units that a run spent of one quota, with the quota's display name."""

    system: str
    quota: str
    units: int


def readable_runs() -> QuerySet[Run]:
    """Return a queryset of runs with the columns of a row, in one query."""
    return Run.unscoped.select_related("job__connection", "tenant")


def describe_run(run: Run) -> Reason:
    """Return what the run's state or reason means, with the next step."""
    if not run.reason:
        return RUN_STATES[run.state]
    connector = CONNECTORS.get(run.job.connector_key)
    return find_reason(run.reason, system=str(connector.label) if connector else _("the system"))


def measure_figures(run: Run, *, now: datetime) -> RunFigures:
    progress = measure_progress(run, now=now)
    percent = None
    if progress.expected:
        percent = min(100, 100 * progress.done // progress.expected)
    took = (run.finished_at or now) - run.started_at if run.started_at else None
    return RunFigures(percent, progress.rate, progress.seconds_left, took)


def list_spent_quotas(run: Run) -> list[SpentQuota]:
    """List what a run spent, by system and quota."""
    spent: dict[tuple[str, str], int] = {}
    for key, units in run.calls.items():
        connector_key, kind, _owner, name = split_scope_key(key)
        system, label = describe_system(connector_key), describe_scope(kind, name)
        spent[system, label] = spent.get((system, label), 0) + int(units)
    return [SpentQuota(*names, units) for names, units in sorted(spent.items())]


def list_log_lines(run: Run) -> Sequence[RunLogEntry]:
    """Return the newest lines of a run's log, in order of time."""
    newest = RunLogEntry.unscoped.filter(run=run).order_by("-pk")[:LOG_LINES_SHOWN]
    return list(newest)[::-1]
