"""What answers say of quotas: a 429 pauses, what comes through re-opens, headers tell what is left."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q

from connectors.http import Quota
from hub.db.prepared import PreparedQuery
from hub.throttle.booking import PROBE_TIMEOUT
from hub.throttle.limits import CLOCK_SKEW, MAX_PAUSE, correct_snapshot
from hub.throttle.models import QuotaState
from hub.throttle.quota_rows import (
    new_quota_state,
    parse_buckets,
    save_snapshots,
    select_locked,
    snapshot_of,
)

PROBING_SCOPES = PreparedQuery(
    lambda *, keys: QuotaState.objects.filter(key__any_of=keys, probing=True).values_list(
        "key", "paused_until"
    )
)
TIME_COLUMNS = ("free_at", "low_priority_free_at", "paused_at", "paused_until", "window_ends")


@dataclass(frozen=True, slots=True)
class QuotaReport:
    """What a system reports of one of its quotas."""

    quota: Quota | None
    used: int
    limit: int
    window_ends: datetime | None = None


def pause_scope(
    key: str, *, until: datetime, now: datetime, probed_at: datetime | None = None
) -> None:
    """A 429: nothing that spends this scope goes before `until`; then one call goes first.

    Of two pauses the one that ends later counts. The answer to a probe, which went at `probed_at`, ends the pause that
    the probe itself made.
    """
    QuotaState.objects.bulk_create([new_quota_state(key)], ignore_conflicts=True)
    latest_pause = now + MAX_PAUSE + CLOCK_SKEW
    is_longer = Q(paused_until__gt=until, paused_until__lte=latest_pause)
    if probed_at is not None:
        is_longer &= ~Q(paused_until=probed_at + PROBE_TIMEOUT)
    quota_states = QuotaState.objects.filter(key=key).exclude(is_longer)
    quota_states.update(paused_at=now, paused_until=until, probing=True)


def reopen_scopes(probes: Mapping[str, datetime]) -> list[str]:
    """Probes of these scopes, by when they went, came through; which scopes were closed until now.

    What was paused anew while its probe was on the way stays closed.
    """
    closed = PROBING_SCOPES.fetch_rows(keys=list(probes))
    opened = [key for key, paused_until in closed if paused_until == probes[key] + PROBE_TIMEOUT]
    if opened:
        unchanged = [
            Q(key=key, paused_until=probes[key] + PROBE_TIMEOUT) for key in opened
        ]  # since they were read
        QuotaState.objects.filter(reduce(or_, unchanged)).update(
            probing=False, paused_at=None, paused_until=None
        )
    return opened


def correct_quotas(reports: Mapping[str, QuotaReport], *, now: datetime) -> None:
    """What a system's headers say of its budgets is truer than our count."""
    if not reports:
        return
    with transaction.atomic():
        scopes = select_locked(reports)
        stored = {key: snapshot_of(scope) for key, scope in scopes.items()}
        snapshots = {
            key: correct_snapshot(
                report.quota,
                standing,
                used=report.used,
                limit=report.limit,
                window_ends=report.window_ends,
                now=now,
            )
            for key, standing in stored.items()
            if (report := reports[key])
        }
        save_snapshots(scopes, stored, snapshots, now=now)


def shift_after_clock_jump(jump: timedelta, *, now: datetime) -> None:
    """The clock went ahead without time passing: what was spent before was spent as much later as it went.

    Rows that were written since are right already, so that several pumps may say it.
    """
    before = now - jump
    is_recent = (
        Q(free_at__gt=before - timedelta(minutes=1))
        | Q(window_ends__gt=before)
        | Q(paused_until__gt=before)
    )
    with transaction.atomic():
        quota_states = QuotaState.objects.select_for_update().filter(
            is_recent | ~Q(spent=[]), updated_at__lte=now - jump / 2
        )
        shifted_states = [
            _shift_quota_state(quota_state, jump, now=now)
            for quota_state in quota_states.order_by("key")
        ]
        QuotaState.objects.bulk_update(
            shifted_states, [*TIME_COLUMNS, "spent", "updated_at"], batch_size=500
        )


def _shift_quota_state(quota_state: QuotaState, jump: timedelta, *, now: datetime) -> QuotaState:
    for name in TIME_COLUMNS:
        moment = getattr(quota_state, name)
        setattr(quota_state, name, moment and moment + jump)
    quota_state.spent = [
        [end + jump.total_seconds(), units] for end, units in parse_buckets(quota_state.spent)
    ]
    quota_state.updated_at = now
    return quota_state
