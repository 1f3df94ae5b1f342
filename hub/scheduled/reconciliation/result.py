"""The result of a reconciliation: the counts, which certificates contain, and the repairs."""

from typing import Any

from django.db.models import Count

from hub.operations.models import Operation
from hub.scheduled.models import Discrepancy, Run
from hub.scheduled.reconciliation.comparison import ComparisonCounts
from hub.scheduled.reconciliation.options import Limits, ReconcileOptions
from hub.scheduled.reconciliation.progress import LOCAL_SIDE, REMOTE_SIDE, Progress

# what becomes of the repairs that the options ask for
PROPOSED, REPAIRING, STOPPED, DRY, NOTHING = "proposed", "repairing", "stopped", "dry", "none"
VERDICTS = tuple(Discrepancy.Verdict.values)
RECORDS_MIN = 20
STATES = tuple(Discrepancy.State.values)


def decide_repairs(run: Run, progress: Progress, options: ReconcileOptions) -> str:
    """Return the state of repairs: *stopped* by the safety valve beyond the allowed changes."""
    counts = ComparisonCounts.from_json(progress.counts)
    if not counts.changes:
        return NOTHING
    if not options.applies_repairs:
        return PROPOSED
    if is_over_limits(counts.changes, count_records(progress), options.limits):
        return STOPPED
    return DRY if run.is_dry else REPAIRING


def is_over_limits(change_count: int, record_count: int, limits: Limits) -> bool:
    """Return whether the safety valve stops a run: a person has to confirm so many changes.

    The share is of at least RECORDS_MIN records, so that a single change of few is no alarm.
    """
    share = limits.share * max(record_count, RECORDS_MIN)
    return change_count > limits.count or change_count > share


def count_records(progress: Progress) -> int:
    """Return the number of records of the larger side; of an incremental run, as the last complete
    run of everything has counted them.
    """
    read = max(progress.read_state(name).records for name in (LOCAL_SIDE, REMOTE_SIDE))
    known: int = progress.cursor.get("known_records", 0)
    return max(read, known)


def build_result(
    run: Run, progress: Progress, options: ReconcileOptions, operation: Operation | None
) -> dict[str, Any]:
    """Return the result as JSON; it does not change once the comparison is stored.

    `compared` are the keys of at least one side, `equal` those without a difference. `unsettled`
    keys changed during the run; `unproven` keys were on a side that was not read completely.
    """
    counts = ComparisonCounts.from_json(progress.counts)
    local, remote = progress.read_state(LOCAL_SIDE), progress.read_state(REMOTE_SIDE)
    since = progress.cursor.get("since")
    return {
        "compared": counts.keys,
        "equal": counts.equal,
        "unsettled": counts.unsettled,
        "unproven": counts.unproven,
        "records": {"local": local.records, "remote": remote.records},
        "verdicts": {verdict: counts.verdicts.get(verdict, 0) for verdict in VERDICTS},
        "fields": counts.fields,
        "states": count_states(run, counts),
        "read": "incremental" if since else "full",
        "since": since,
        "is_complete": local.is_complete and remote.is_complete,
        "is_dry": run.is_dry,
        "repairs": describe_repairs(progress, options, operation),
        "began_at": progress.began_at.isoformat(),
        "compared_at": progress.cursor.get("compared_at"),
        "digest": counts.digest,
    }


def count_states(run: Run, counts: ComparisonCounts) -> dict[str, int]:
    """Count the discrepancies that this run found or resolved, by state; one query. A dry run
    counted the states that they would have.
    """
    if run.is_dry:
        return {state: counts.states.get(state, 0) for state in STATES}
    rows = Discrepancy.unscoped.filter(job=run.job_id, tenant=run.tenant_id, last_run=run.pk)
    stored = dict(rows.order_by().values_list("state").annotate(rows=Count("pk")))
    return {state: stored.get(state, 0) for state in STATES}


def describe_repairs(
    progress: Progress, options: ReconcileOptions, operation: Operation | None
) -> dict[str, Any]:
    counts = ComparisonCounts.from_json(progress.counts)
    return {
        "state": progress.cursor.get("repairs", NOTHING),
        "changes": counts.changes,
        "limits": {"share": options.limits.share, "count": options.limits.count},
        "operation": str(operation.public_id) if operation else None,
    }
