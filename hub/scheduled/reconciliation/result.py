"""The result of a reconciliation: counts, what is repaired, and the data of its certificate."""

from datetime import datetime
from typing import Any

from hub.operations.models import Operation
from hub.scheduled.models import Discrepancy, Run
from hub.scheduled.reconciliation.comparison import ComparisonCounts
from hub.scheduled.reconciliation.options import ReconcileOptions
from hub.scheduled.reconciliation.progress import LOCAL_SIDE, REMOTE_SIDE, Progress
from hub.scheduled.reconciliation.verdicts.repair_side import exceeds_limits

# what becomes of the repairs that the options ask for
PROPOSED, REPAIRING, STOPPED, DRY, NOTHING = "proposed", "repairing", "stopped", "dry", "none"
VERDICTS = tuple(Discrepancy.Verdict.values)


def decide_repairs(run: Run, progress: Progress, options: ReconcileOptions) -> str:
    """Return what becomes of the repairs: *stopped* if more would change than the limits allow."""
    counts = ComparisonCounts.from_json(progress.counts)
    if not counts.changes:
        return NOTHING
    if not options.applies:
        return PROPOSED
    if exceeds_limits(counts.changes, count_records(progress), options.limits):
        return STOPPED
    return DRY if run.is_dry else REPAIRING


def count_records(progress: Progress) -> int:
    """Return the number of records of the larger side."""
    return max(progress.read_state(name).records for name in (LOCAL_SIDE, REMOTE_SIDE))


def build_result(
    run: Run, progress: Progress, options: ReconcileOptions, operation: Operation | None
) -> dict[str, Any]:
    """Return the result as JSON; the same each time after the comparison was stored."""
    counts = ComparisonCounts.from_json(progress.counts)
    local, remote = progress.read_state(LOCAL_SIDE), progress.read_state(REMOTE_SIDE)
    found = Discrepancy.unscoped.filter(job=run.job_id, tenant=run.tenant_id, last_run=run.pk)
    return {
        "records": {"local": local.records, "remote": remote.records},
        "complete": {"local": local.is_complete, "remote": remote.is_complete},
        "incremental": bool(progress.cursor.get("since")),
        "dry": run.is_dry,
        "compared": counts.keys,
        "equal": counts.equal,
        "unsettled": counts.unsettled,
        "unproven": counts.unproven,
        "verdicts": {verdict: counts.verdicts.get(verdict, 0) for verdict in VERDICTS},
        "fields": counts.fields,
        "new": found.filter(first_run=run.pk, state="new").count(),
        "resolved": found.filter(state="resolved").count(),
        "ignored": found.filter(state="ignored").count(),
        "repairs": describe_repairs(run, progress, options, operation),
        "began_at": progress.began_at.isoformat(),
        "compared_at": progress.cursor.get("compared_at"),
    }


def describe_repairs(
    run: Run, progress: Progress, options: ReconcileOptions, operation: Operation | None
) -> dict[str, Any]:
    counts = ComparisonCounts.from_json(progress.counts)
    return {
        "state": progress.cursor.get("repairs", decide_repairs(run, progress, options)),
        "changes": counts.changes,
        "limits": {"share": options.limits.share, "count": options.limits.count},
        "operation": str(operation.public_id) if operation else None,
    }


def describe_certificate(result: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """Return what a certificate states: how many of the compared records are equal, and when."""
    return {
        "equal": result["equal"],
        "compared": result["compared"],
        "complete": all(result["complete"].values()),
        "at": at.isoformat(),
    }
