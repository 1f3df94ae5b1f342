"""Rows of quotas: lock rows, read them as snapshots, store their changes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors.http import Quota
from hub.db import bulk
from hub.db.prepared import PreparedQuery
from hub.throttle.limits import QuotaSnapshot
from hub.throttle.models import QuotaState

SNAPSHOT_COLUMNS = tuple(QuotaSnapshot.__dataclass_fields__)
LOCKED_ROWS = PreparedQuery(
    lambda *, keys: QuotaState.objects.select_for_update().filter(key__any_of=keys).order_by("key")
)


def lock_quota_states(quotas: Mapping[str, Quota | None]) -> dict[str, QuotaState]:
    """Return the rows of these keys, locked in key order, and create those of limited scopes."""
    scopes = select_locked(quotas)
    missing = [key for key, quota in quotas.items() if quota is not None and key not in scopes]
    if missing:
        QuotaState.objects.bulk_create(
            [new_quota_state(key) for key in sorted(missing)], ignore_conflicts=True
        )
        scopes = select_locked(quotas)
    return scopes


def select_locked(keys: Iterable[str]) -> dict[str, QuotaState]:
    """Return the existing rows of these keys, locked in key order."""
    return {scope.key: scope for scope in LOCKED_ROWS.fetch_models(keys=list(keys))}


def new_quota_state(key: str) -> QuotaState:
    """Return an unsaved row for a key such as "slack|method|T123|chat.postMessage"."""
    connector, kind, *_ = key.split("|")
    return QuotaState(key=key, connector_key=connector, kind=kind)


def build_snapshot(quota_state: QuotaState) -> QuotaSnapshot:
    columns = {name: getattr(quota_state, name) for name in SNAPSHOT_COLUMNS}
    return QuotaSnapshot(**columns | {"usage_buckets": parse_buckets(quota_state.usage_buckets)})


def parse_buckets(stored: Any) -> tuple[tuple[float, int], ...]:
    """Return the buckets of a stored list; an invalid one, edited by hand, is nothing spent."""
    try:
        return tuple(sorted((float(end), max(0, int(units))) for end, units in stored))
    except (TypeError, ValueError, OverflowError):
        return ()


def save_snapshots(
    scopes: Mapping[str, QuotaState],
    stored: Mapping[str, QuotaSnapshot],
    snapshots: Mapping[str, QuotaSnapshot],
    *,
    now: datetime,
) -> None:
    """Store the columns that changed, in one statement."""
    changed_keys = [key for key, snapshot in snapshots.items() if snapshot != stored[key]]
    names = [
        name
        for name in SNAPSHOT_COLUMNS
        if any(getattr(snapshots[key], name) != getattr(stored[key], name) for key in changed_keys)
    ]
    columns = {name: [getattr(snapshots[key], name) for key in changed_keys] for name in names}
    bulk.update_rows(
        QuotaState,
        [scopes[key].pk for key in changed_keys],
        columns | {"updated_at": [now] * len(changed_keys)},
    )
