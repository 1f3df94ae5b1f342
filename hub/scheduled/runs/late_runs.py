"""Spread overdue runs again.

Runs that did not start when they were due, because no loop ran or all loops were full, would
otherwise start all at once.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from hub.db import bulk
from hub.scheduled.models import Run

# slots are found by the sweep, and loops look for runs by polling
LATE_RUN_AFTER = timedelta(seconds=10)
LATE_STARTS_WINDOW_SHARE = 0.95  # of what is left of the window
SLOT_GROUPS_AT_ONCE = 20  # of one look


def spread_late_runs(*, now: datetime) -> int:
    """Set new times for the overdue waiting runs of slots; return how many.

    They start from now on at their planned distances, and closer together only if the rest of their
    window requires it. This keeps the distances of runs that are overdue repeatedly.
    """
    late = Run.unscoped.filter(
        state="waiting", started_at=None, slot_at__isnull=False, due_at__lte=now - LATE_RUN_AFTER
    )
    groups = (
        late.order_by().values_list("slot_at", "window_ends_at").distinct()[:SLOT_GROUPS_AT_ONCE]
    )
    count = 0
    for slot_at, window_ends_at in groups:
        count += _spread_group(slot_at, window_ends_at, now=now)
    return count


@transaction.atomic
def _spread_group(slot_at: datetime | None, window_ends_at: datetime, *, now: datetime) -> int:
    runs = Run.unscoped.filter(
        state="waiting", started_at=None, slot_at=slot_at, window_ends_at=window_ends_at
    )
    locked = runs.select_for_update(skip_locked=True, no_key=True).order_by("due_at", "pk")
    rows = list(locked.values_list("pk", "due_at"))
    if not rows:
        return 0
    due_times = list(_list_new_times([at for _pk, at in rows], window_ends_at, now=now))
    bulk.update_rows(Run, [pk for pk, _at in rows], {"due_at": due_times})
    return len(rows)


def _list_new_times(
    due_times: list[datetime], window_ends_at: datetime, *, now: datetime
) -> Iterable[datetime]:
    first, planned = due_times[0], due_times[-1] - due_times[0]
    available = max(timedelta(0), window_ends_at - now) * LATE_STARTS_WINDOW_SHARE
    factor = min(1.0, available / planned) if planned else 1.0
    return (now + (due_at - first) * factor for due_at in due_times)
