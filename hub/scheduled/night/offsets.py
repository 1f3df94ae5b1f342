"""The start of each tenant's run inside its window."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from hub.scheduled.models import JobSchedule
from hub.scheduled.night.expectations import Expectation
from hub.scheduled.night.spreading import WeightedStart, spread_starts


def spread_schedules(
    schedules: Sequence[JobSchedule],
    window: timedelta,
    expectations: Mapping[int, Expectation],
) -> dict[int, timedelta]:
    """Return the offsets of schedules that have the same slot and window."""
    return spread_starts(
        [build_start(schedule, expectations.get(schedule.pk)) for schedule in schedules], window
    )


def build_start(schedule: JobSchedule, expectation: Expectation | None) -> WeightedStart:
    name = f"{schedule.job.public_id} {schedule.tenant.public_id}"
    weight = None if expectation is None else float(sum(expectation.calls.values()))
    return WeightedStart(schedule.pk, name, weight, schedule.job.priority + schedule.priority)


def find_peers(slot_at: datetime, window: timedelta) -> list[JobSchedule]:
    """List the schedules with this slot and window, whether or not their runs exist already."""
    return list(
        JobSchedule.unscoped.filter(
            Q(next_slot_at=slot_at) | Q(last_slot_at=slot_at),
            job__is_enabled=True,
            job__window_minutes=round(window.total_seconds() / 60),
            is_excluded=False,
            tenant__suspended_at=None,
        ).select_related("job", "tenant")
    )
