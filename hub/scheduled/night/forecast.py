"""Forecast the coming night: quotas spent, ends of runs, missed deadlines, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from hub.processes.worker_registry import WORKER_LOST_AFTER, Worker
from hub.scheduled.models import JobSchedule, Run
from hub.scheduled.night.allowances import QuotaLine, load_quota_lines
from hub.scheduled.night.coming_runs import list_coming_runs
from hub.scheduled.night.expectations import count_calls
from hub.scheduled.night.night_run import NightRun
from hub.scheduled.night.quota_lines import (
    QuotaForecast,
    find_system_label,
    summarize_quotas,
)
from hub.scheduled.night.simulation import RUN_SLOTS, PredictedNight, simulate_night
from hub.scheduled.runs.loop_count import count_loops

NIGHT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NightForecast:
    """The night from `starts_at` on; `runs` are sorted by their starts."""

    starts_at: datetime
    ends_at: datetime | None  # of the last run; None: no run, or one does not end
    runs: Sequence[NightRun]
    quotas: Sequence[QuotaForecast]
    calls_by_connector: Mapping[str, Sequence[float]]  # by connector and minute
    quota_lines: Mapping[str, QuotaLine]  # by the key of a quota

    @property
    def late_runs(self) -> list[NightRun]:
        return [run for run in self.runs if run.is_late]

    @property
    def unknown_count(self) -> int:
        """Return the number of runs without an expectation, which the figures do not include."""
        return sum(run.expectation is None for run in self.runs)


def forecast_night(*, now: datetime, length: timedelta = NIGHT) -> NightForecast:
    """Predict the runs of all tenants that start before `now + length`."""
    until = now + length
    rows = Run.unscoped.filter(state__in=Run.OPEN_STATES, due_at__lt=until)
    open_runs = list(rows.select_related("job", "tenant"))
    is_concerned = Q(next_slot_at__lt=until) | Q(job__in={run.job_id for run in open_runs})
    schedules = list(active_schedules().filter(is_concerned))
    runs = list_coming_runs(schedules, open_runs, now=now, until=until)
    known = [run for run in runs if run.expectation is not None]
    starts_at = min((run.starts_at for run in known), default=now)
    keys = {key for run in known for key in run.units_by_quota}
    lines = load_quota_lines(keys, now=now, starts_at=starts_at)
    allowances = {key: line.allowance for key, line in lines.items()}
    night = simulate_night(known, allowances, slots=count_run_slots(now=now), now=now)
    return build_forecast(night, [run for run in runs if run.expectation is None], lines)


def count_run_slots(*, now: datetime) -> int:
    """Return how many runs are executed concurrently: by the loops of all workers, at least one."""
    workers = Worker.objects.filter(seen_at__gt=now - WORKER_LOST_AFTER).count()
    at_once: int = settings.HUB_RUNS_AT_ONCE
    return at_once * count_loops() * max(1, workers)


def active_schedules() -> QuerySet[JobSchedule]:
    """Return a queryset of the schedules whose slots become runs."""
    return JobSchedule.unscoped.filter(
        job__is_enabled=True, is_excluded=False, tenant__suspended_at=None
    ).select_related("job", "tenant")


def build_forecast(
    night: PredictedNight, unknown_runs: Sequence[NightRun], lines: Mapping[str, QuotaLine]
) -> NightForecast:
    predicted = [replace(run, explanation=explain_lateness(run, lines)) for run in night.runs]
    known_ends = [run.ends_at for run in predicted if run.ends_at is not None]
    return NightForecast(
        night.starts_at,
        max(known_ends, default=None) if len(known_ends) == len(predicted) else None,
        sorted([*predicted, *unknown_runs], key=lambda run: run.starts_at),
        summarize_quotas(night, lines),
        count_calls_by_minute(night),
        lines,
    )


def explain_lateness(run: NightRun, lines: Mapping[str, QuotaLine]) -> str:
    """Return why a run is expected to miss its deadline, as a sentence; "" if it is not."""
    if not run.is_late:
        return ""
    if run.slowed_by == RUN_SLOTS:
        return _("It waits for other runs: not more are executed side by side.")
    line = lines.get(run.slowed_by)
    if line is None:
        return _(
            "Its past runs took %(length)s minutes, and %(left)s minutes remain between its "
            "start and its deadline."
        ) % {
            "length": round(run.seconds / 60),
            "left": max(0, round((run.deadline_at - run.starts_at).total_seconds() / 60)),
        }
    names = {
        "system": find_system_label(line.connector_key),
        "quota": line.label,
        "percent": round(100 * line.share),
    }
    template = (
        _(
            "The quota of %(system)s (%(quota)s, of which background work may use %(percent)s "
            "%%) is used up before the run ends."
        )
        if run.ends_at is None
        else _(
            "The quota of %(system)s (%(quota)s, of which background work may use %(percent)s "
            "%%) slows it down."
        )
    )
    return template % names


def count_calls_by_minute(night: PredictedNight) -> dict[str, list[float]]:
    """Return calls by connector and minute, counted as in `count_calls`."""
    length = max((len(row) for row in night.units_by_quota_and_minute.values()), default=0)
    calls: dict[str, list[float]] = {}
    for number in range(length):
        units = {
            key: row[number]
            for key, row in night.units_by_quota_and_minute.items()
            if number < len(row)
        }
        for connector_key, count in count_calls(units).items():
            calls.setdefault(connector_key, [0.0] * length)[number] = count
    return calls
