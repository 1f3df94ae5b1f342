"""What answers say of quotas: a 429 pauses, what comes through re-opens, headers tell what is left."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q

from connectors.wire import Quota
from hub.asked import Asked
from hub.throttle.models import QuotaState
from hub.throttle.pace import PAUSE_MOST, SKEW, corrected
from hub.throttle.reserve import PROBE, buckets_of, locked, new_row, save, standing_of

CLOSED = Asked(
    lambda *, keys: QuotaState.objects.filter(key__among=keys, probing=True).values_list("key", "paused_until")
)
MOMENTS = ("free_at", "low_priority_free_at", "paused_at", "paused_until", "window_ends")


@dataclass(frozen=True, slots=True)
class Told:
    """What a system reports of one of its quotas."""

    quota: Quota | None
    used: int
    limit: int
    window_ends: datetime | None = None


def pause(key: str, *, until: datetime, now: datetime, probed_at: datetime | None = None) -> None:
    """A 429: nothing that spends this scope goes before `until`; then one call goes first.

    Of two pauses the one that ends later counts. The answer to a probe, which went at `probed_at`, ends the pause that
    the probe itself made.
    """
    QuotaState.objects.bulk_create([new_row(key)], ignore_conflicts=True)
    possible = now + PAUSE_MOST + SKEW
    is_longer = Q(paused_until__gt=until, paused_until__lte=possible)
    if probed_at is not None:
        is_longer &= ~Q(paused_until=probed_at + PROBE)
    rows = QuotaState.objects.filter(key=key).exclude(is_longer)
    rows.update(paused_at=now, paused_until=until, probing=True)


def reopen(probes: Mapping[str, datetime]) -> list[str]:
    """Probes of these scopes, by when they went, came through; which scopes were closed until now.

    What was paused anew while its probe was on the way stays closed.
    """
    closed = CLOSED.rows(keys=list(probes))
    opened = [key for key, paused_until in closed if paused_until == probes[key] + PROBE]
    if opened:
        unchanged = [Q(key=key, paused_until=probes[key] + PROBE) for key in opened]  # since they were read
        QuotaState.objects.filter(reduce(or_, unchanged)).update(probing=False, paused_at=None, paused_until=None)
    return opened


def correct(reports: Mapping[str, Told], *, now: datetime) -> None:
    """What a system's headers say of its budgets is truer than our count."""
    if not reports:
        return
    with transaction.atomic():
        scopes = locked(reports)
        stored = {key: standing_of(scope) for key, scope in scopes.items()}
        standings = {
            key: corrected(told.quota, standing, used=told.used, limit=told.limit, ends=told.window_ends, now=now)
            for key, standing in stored.items()
            if (told := reports[key])
        }
        save(scopes, stored, standings, now=now)


def leap(by: timedelta, *, now: datetime) -> None:
    """The clock went ahead without time passing: what was spent before was spent as much later as it went.

    Rows that were written since are right already, so that several pumps may say it.
    """
    before = now - by
    lately = Q(free_at__gt=before - timedelta(minutes=1)) | Q(window_ends__gt=before) | Q(paused_until__gt=before)
    with transaction.atomic():
        rows = QuotaState.objects.select_for_update().filter(lately | ~Q(spent=[]), updated_at__lte=now - by / 2)
        moved = [later(row, by, now=now) for row in rows.order_by("key")]
        QuotaState.objects.bulk_update(moved, [*MOMENTS, "spent", "updated_at"], batch_size=500)


def later(row: QuotaState, by: timedelta, *, now: datetime) -> QuotaState:
    for name in MOMENTS:
        moment = getattr(row, name)
        setattr(row, name, moment and moment + by)
    row.spent = [[end + by.total_seconds(), units] for end, units in buckets_of(row.spent)]
    row.updated_at = now
    return row
