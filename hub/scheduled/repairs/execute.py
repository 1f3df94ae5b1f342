"""One batch of the operation that repairs discrepancies. Runs in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from hub.audit import SYSTEM, ActorContext
from hub.operations.models import Operation
from hub.operations.operation_runner import BatchResult
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.filters import match_repairable, select_discrepancies
from hub.scheduled.repairs.planned_writes import KNOWN_WHEN_PLANNING
from hub.scheduled.repairs.repair_deliveries import RepairResult, RepairSender
from hub.scheduled.runs.claim import is_switched_off


def repair_batch(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    """Send the repairs of the next `size` discrepancies of an operation.

    All discrepancies of a record are repaired together, even beyond `size`, as a second write would
    find another version. Waits for rows that another transaction has locked, as the operation does
    not return to them. Those that cannot be repaired keep their state, with the reason. What a run
    started waits while scheduled work is switched off.
    """
    if is_started_by_run(operation) and is_switched_off():
        return BatchResult(operation.cursor, is_waiting=True)
    rows = select_discrepancies(operation.filter, operation.tenant).filter(match_repairable())
    remaining = rows.filter(pk__gt=operation.cursor, pk__lte=operation.last).order_by("pk")
    ids = list(remaining.values_list("pk", flat=True)[:size])
    if not ids:
        return BatchResult(None)
    batch_ids = [*ids, *find_siblings(ids, remaining.filter(pk__gt=ids[-1]))]
    locked = list(
        Discrepancy.unscoped.filter(match_repairable(), pk__in=batch_ids)
        .select_related("job", "connection", "tenant")
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )
    result = RepairSender(ActorContext(operation.actor), now=now).repair(locked)
    store_refusals(result)
    # they were no part of the plan
    reported_count = sum(
        refused.reason in KNOWN_WHEN_PLANNING for _discrepancy, refused in result.refused
    )
    excluded_count = len(batch_ids) - len(result.repairing) - reported_count
    return BatchResult(ids[-1], len(result.repairing), excluded_count)


def is_started_by_run(operation: Operation) -> bool:
    return operation.actor_kind == SYSTEM.kind and "run" in operation.filter


def find_siblings(ids: Sequence[int], later: QuerySet[Discrepancy]) -> list[int]:
    """Return the other, later discrepancies of the records that these are about."""
    records = set(
        Discrepancy.unscoped.filter(pk__in=ids).values_list("job", "tenant", "record_key")
    )
    keys = {record_key for _job, _tenant, record_key in records}
    candidates = later.filter(record_key__in=keys)
    return [
        pk
        for pk, *record in candidates.values_list("pk", "job", "tenant", "record_key")
        if tuple(record) in records
    ]


def store_refusals(result: RepairResult) -> None:
    """Store why discrepancies are not repaired, except if the options ask for a report only."""
    for discrepancy, refused in result.refused:
        if refused.reason != "report_only":
            Discrepancy.unscoped.filter(pk=discrepancy.pk).update(
                reason=refused.reason[:40], detail=refused.detail[:500]
            )
