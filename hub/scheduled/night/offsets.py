"""Compute the start of each tenant's run inside its window.

The rank of a run is the same every night. Its offset is not: it depends on the expected calls of
the runs before it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from django.db.models import Q

from hub.scheduled.models import Job, JobSchedule, Run
from hub.scheduled.night.expectations import Expectation
from hub.scheduled.night.spreading import WeightedStart, find_call_interval, spread_starts
from hub.scheduled.slots import next_slot

PACED_KINDS = (Job.Kind.RECONCILE, Job.Kind.SYNC)
CALL_INTERVAL_MAX = 1.0  # seconds between two calls of a run


def spread_schedules(
    schedules: Sequence[JobSchedule],
    window: timedelta,
    expectations: Mapping[int, Expectation],
) -> dict[int, timedelta]:
    """Return the offsets of schedules with the same slot and window."""
    return spread_starts(
        [build_weighted_start(schedule, expectations.get(schedule.pk)) for schedule in schedules],
        window,
    )


def find_pace(
    schedules: Sequence[JobSchedule],
    length: timedelta,
    expectations: Mapping[int, Expectation],
) -> dict[int, float]:
    """Return the seconds between two calls of the next runs, by the id of the schedule.

    Only reconciliations and syncs with an expectation have a pace: reports are sent at their time,
    and log lines are shipped as they arrive. The interval is bounded even if few runs share the
    window, as the data that a run has read gets outdated.
    """
    starts = [
        build_weighted_start(schedule, expectations.get(schedule.pk)) for schedule in schedules
    ]
    interval = min(find_call_interval(starts, length), CALL_INTERVAL_MAX)
    return {
        schedule.pk: interval
        for schedule in schedules
        if schedule.job.kind in PACED_KINDS and schedule.pk in expectations
    }


def build_weighted_start(schedule: JobSchedule, expectation: Expectation | None) -> WeightedStart:
    name = f"{schedule.job.public_id} {schedule.tenant.public_id}"
    weight = None if expectation is None else float(sum(expectation.calls.values()))
    return WeightedStart(schedule.pk, name, weight, schedule.job.priority + schedule.priority)


@lru_cache(maxsize=4096)
def find_interval(cron: str, time_zone: str, slot_at: datetime) -> timedelta:
    """Return the time from a slot to the next one, over which its runs are spread at most."""
    following = next_slot(cron, time_zone, after=slot_at)
    return following - slot_at if following else timedelta.max


def find_peers(
    slot_at: datetime, window: timedelta, runs: Collection[Run] = ()
) -> list[JobSchedule]:
    """List the schedules with this slot and window, and those of the runs.

    Schedules are included whether or not their runs exist already; the stored slots of runs may be
    earlier ones.
    """
    of_runs = Q(job__in={run.job_id for run in runs}, tenant__in={run.tenant_id for run in runs})
    return list(
        JobSchedule.unscoped.filter(
            Q(next_slot_at=slot_at) | Q(last_slot_at=slot_at) | of_runs,
            job__is_enabled=True,
            job__window_minutes=round(window.total_seconds() / 60),
            is_excluded=False,
            tenant__suspended_at=None,
        ).select_related("job", "tenant")
    )
