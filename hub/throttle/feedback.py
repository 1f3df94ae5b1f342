"""Apply quota feedback: a 429 pauses a scope, a probe reopens it, headers report its rest."""

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
from hub.throttle.limits import CLOCK_SKEW, MAX_PAUSE
from hub.throttle.models import QuotaState
from hub.throttle.quota_rows import (
    build_snapshot,
    new_quota_state,
    parse_buckets,
    save_snapshots,
    select_locked,
)
from hub.throttle.report_correction import correct_snapshot

PROBING_SCOPES = PreparedQuery(
    lambda *, keys: QuotaState.objects.filter(key__any_of=keys, is_probing=True).values_list(
        "key", "paused_until"
    )
)
TIME_COLUMNS = (
    "free_at",
    "low_priority_free_at",
    "delayed_free_at",
    "paused_at",
    "paused_until",
    "window_ends",
)


@dataclass(frozen=True, slots=True)
class QuotaReport:
    """The used units and the limit of a quota, as its system reports them."""

    quota: Quota | None
    used: int
    limit: int
    window_ends: datetime | None = None


def pause_scope(
    key: str, *, until: datetime, now: datetime, probed_at: datetime | None = None
) -> None:
    """Pause a scope after a 429: no call spends it before `until`; the first one then is a probe.

    Of two pauses the later end applies. A 429 to a probe, which was sent at `probed_at`, replaces
    the pause that the probe itself made.
    """
    QuotaState.objects.bulk_create([new_quota_state(key)], ignore_conflicts=True)
    latest_pause = now + MAX_PAUSE + CLOCK_SKEW
    is_longer = Q(paused_until__gt=until, paused_until__lte=latest_pause)
    if probed_at is not None:
        is_longer &= ~Q(paused_until=probed_at + PROBE_TIMEOUT)
    quota_states = QuotaState.objects.filter(key=key).exclude(is_longer)
    quota_states.update(paused_at=now, paused_until=until, is_probing=True)


def reopen_scopes(probes: Mapping[str, datetime]) -> list[str]:
    """Reopen scopes of successful probes, by their time of sending; return those that were paused.

    A scope that was paused again while its probe was in flight stays paused.
    """
    probing = PROBING_SCOPES.fetch_rows(keys=list(probes))
    opened = [key for key, paused_until in probing if paused_until == probes[key] + PROBE_TIMEOUT]
    if opened:
        # unless another pause was stored since they were read
        unchanged = [Q(key=key, paused_until=probes[key] + PROBE_TIMEOUT) for key in opened]
        QuotaState.objects.filter(reduce(or_, unchanged)).update(
            is_probing=False, paused_at=None, paused_until=None
        )
    return opened


def correct_quotas(reports: Mapping[str, QuotaReport], *, now: datetime) -> None:
    """Replace our counts by the systems' reports of their budgets."""
    if not reports:
        return
    with transaction.atomic():
        scopes = select_locked(reports)
        stored = {key: build_snapshot(scope) for key, scope in scopes.items()}
        snapshots = {
            key: correct_snapshot(
                reports[key].quota,
                snapshot,
                used=reports[key].used,
                limit=reports[key].limit,
                window_ends=reports[key].window_ends,
                now=now,
            )
            for key, snapshot in stored.items()
        }
        save_snapshots(scopes, stored, snapshots, now=now)


def shift_after_clock_jump(jump: timedelta, *, now: datetime) -> None:
    """Shift all stored times by `jump`, the amount by which the clock jumped ahead.

    Rows that were written since then are skipped, so that several pumps may report the same jump.
    """
    before = now - jump
    is_recent = (
        Q(free_at__gt=before - timedelta(minutes=1))
        | Q(window_ends__gt=before)
        | Q(paused_until__gt=before)
    )
    with transaction.atomic():
        quota_states = QuotaState.objects.select_for_update().filter(
            is_recent | ~Q(usage_buckets=[]), updated_at__lte=now - jump / 2
        )
        shifted_states = [
            _shift_quota_state(quota_state, jump, now=now)
            for quota_state in quota_states.order_by("key")
        ]
        QuotaState.objects.bulk_update(
            shifted_states, [*TIME_COLUMNS, "usage_buckets", "updated_at"], batch_size=500
        )


def _shift_quota_state(quota_state: QuotaState, jump: timedelta, *, now: datetime) -> QuotaState:
    for name in TIME_COLUMNS:
        moment = getattr(quota_state, name)
        setattr(quota_state, name, moment and moment + jump)
    quota_state.usage_buckets = [
        [end + jump.total_seconds(), units]
        for end, units in parse_buckets(quota_state.usage_buckets)
    ]
    quota_state.updated_at = now
    return quota_state
