"""Compute the start of each tenant's run inside its window.

The rank of a run is the same every night. Its offset is not: it depends on the expected calls of
the runs before it.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.db.models import Q

from hub.scheduled.models import Job, JobSchedule, Run
from hub.scheduled.night.expectations import Expectation
from hub.scheduled.slots import next_slot

PACED_KINDS = (Job.Kind.RECONCILE, Job.Kind.SYNC)
CALL_INTERVAL_MAX = 1.0  # seconds between two calls of a run
# of the window: the rest is for runs that a busy worker starts late, as they are skipped after it
STARTS_WINDOW_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class WeightedStart:
    """A run that starts somewhere in a window. `weight`: its expected calls; None: unknown.

    `name` never changes, so that its hash gives the run the same rank every night.
    """

    key: int
    name: str
    weight: float | None = None
    priority: int = 0  # a greater one starts first


def spread_starts(starts: Sequence[WeightedStart], window: timedelta) -> dict[int, timedelta]:
    """Return the offset of each start in the window, by its key.

    The first STARTS_WINDOW_SHARE of the window is divided among the runs in proportion to their
    weights, and each run starts with its part: every minute then has about the same number of
    expected calls. An added run delays the later ones by its own part only.
    """
    weights = fill_weights(starts)
    total = sum(weights.values())
    offsets, before = {}, 0.0
    for start in sorted(starts, key=compute_rank):
        offsets[start.key] = window * STARTS_WINDOW_SHARE * (before / total)
        before += weights[start.key]
    return offsets


def find_call_interval(starts: Sequence[WeightedStart], window: timedelta) -> float:
    """Return the seconds between two calls of a run that spreads them over its part of the window.

    It is the same for all runs, as their parts are in proportion to their calls.
    """
    return window.total_seconds() * STARTS_WINDOW_SHARE / sum(fill_weights(starts).values())


def fill_weights(starts: Sequence[WeightedStart]) -> Mapping[int, float]:
    """Return the weights by key; unknown ones become the mean of known ones, none is below 1."""
    known_weights = [start.weight for start in starts if start.weight is not None]
    mean = sum(known_weights) / len(known_weights) if known_weights else 1.0
    return {start.key: max(1.0, mean if start.weight is None else start.weight) for start in starts}


def compute_rank(start: WeightedStart) -> tuple[int, bytes]:
    return -start.priority, hashlib.sha256(start.name.encode()).digest()


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
