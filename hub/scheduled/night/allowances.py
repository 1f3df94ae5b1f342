"""Compute what background work may spend of each quota in a minute, or in the night."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.http import Budget, Quota, Rate
from hub.scheduled.night.simulation import Allowance
from hub.throttle.background_shares import find_background_share, load_staff_shares
from hub.throttle.definitions import find_quota_name, quota_definition
from hub.throttle.limits import QuotaSnapshot, effective_limit, units_used
from hub.throttle.models import QuotaState
from hub.throttle.quota_rows import build_snapshot, new_quota_state
from hub.throttle.usage import measure_usage


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """A quota with its allowance for background work. `label`: such as "300 calls in a minute".

    `share` is the part for background work, from 0 to 1.
    """

    connector_key: str
    name: str  # as in `Connector.quotas`
    label: str
    share: float
    allowance: Allowance


def load_quota_lines(
    keys: Collection[str], *, now: datetime, starts_at: datetime
) -> dict[str, QuotaLine]:
    """Return the lines of these quotas by key, in two queries; unlimited scopes have none.

    Units already spent of a budget count unless its window ends before `starts_at`.
    """
    staff_shares = load_staff_shares()
    rows = {row.key: row for row in QuotaState.objects.filter(key__in=list(keys))}
    lines = {}
    for key in keys:
        row = rows.get(key) or new_quota_state(key)
        quota = quota_definition(row)
        if quota is not None:
            lines[key] = build_line(row, quota, staff_shares, now=now, starts_at=starts_at)
    return lines


def build_line(
    row: QuotaState,
    quota: Quota,
    staff_shares: Mapping[tuple[str, str], float],
    *,
    now: datetime,
    starts_at: datetime,
) -> QuotaLine:
    snapshot = build_snapshot(row)
    share = find_background_share(row.key, quota, staff_shares)
    return QuotaLine(
        row.connector_key,
        find_quota_name(row.connector_key, row.kind, row.name),
        measure_usage(quota, snapshot, now=now).label,
        share,
        build_allowance(quota, snapshot, share, now=now, starts_at=starts_at),
    )


def build_allowance(
    quota: Quota, snapshot: QuotaSnapshot, share: float, *, now: datetime, starts_at: datetime
) -> Allowance:
    """Return the allowance of background work; a limit of calls in flight is none of minutes."""
    limit = effective_limit(quota, snapshot) * share
    if isinstance(quota, Rate):
        return Allowance(per_minute=limit * 60 / quota.per_seconds)
    if isinstance(quota, Budget):
        is_over = snapshot.window_ends is not None and snapshot.window_ends <= starts_at
        used = 0 if is_over else units_used(quota, snapshot, now)
        return Allowance(units_left=max(0.0, limit - used))
    return Allowance()
