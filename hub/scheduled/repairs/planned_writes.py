"""What a plan of repairs will write, as far as it is known when planning."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet

from hub.scheduled.models import LOCAL, REMOTE, Discrepancy, Job
from hub.scheduled.reconciliation.options import ReconcileOptions, parse_path
from hub.scheduled.reconciliation.verdicts.repair_side import CLOCK_DIFFERENCE_MAX
from hub.scheduled.repairs.repair_deliveries import RepairSender
from hub.scheduled.repairs.repair_requests import RepairRequest
from hub.scheduled.repairs.repair_values import RepairRefused

TRIED_MAX = 1000  # rows whose writes are built while planning
TEXT_MAX = 200  # characters of a value in a plan
# why nothing is written, whatever the values are: such rows are no part of a plan
KNOWN_WHEN_PLANNING = frozenset(
    {
        "report_only",
        "no_newer_side",
        "deleted_here",
        "deleted_there",
        "no_repair_action",
        "target_is_an_expression",
        "key_is_an_expression",
        "field_not_compared",
        "options_invalid",
    }
)


def select_writable(rows: QuerySet[Discrepancy], sender: RepairSender) -> QuerySet[Discrepancy]:
    """Select rows that their jobs let a repair write, without the first unwritable ones."""
    jobs = Job.unscoped.filter(pk__in=rows.order_by().values("job").distinct())
    writable = rows.filter(_match_writable(jobs, sender))
    tried = writable.select_related("job", "connection", "tenant").order_by("pk")[:TRIED_MAX]
    _requests, refused = sender.build_all(list(tried))
    return writable.exclude(pk__in=[discrepancy.pk for discrepancy, _reason in refused])


def describe_writes(rows: Sequence[Discrepancy], sender: RepairSender) -> dict[int, dict[str, str]]:
    """Return the side, the value before and the value after of each row, by its key."""
    requests, _refused = sender.build_all(rows)
    return {
        discrepancy.pk: _describe_write(discrepancy, request)
        for request in requests
        for discrepancy in request.discrepancies
    }


def _describe_write(discrepancy: Discrepancy, request: RepairRequest) -> dict[str, str]:
    before = request.replaced_values.get(discrepancy.pk)
    fields = request.input.get("fields", request.input)
    after = request.written_values.get(discrepancy.pk, fields)
    return {"side": request.side, "before": _format(before), "after": _format(after)}


def _format(value: Any) -> str:
    if value is None:
        return "–"
    if not isinstance(value, str | Decimal):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return str(value)[:TEXT_MAX]


def _match_writable(jobs: Iterable[Job], sender: RepairSender) -> Q:
    condition = Q(pk__in=())
    for job in jobs:
        try:
            options = sender.options_of(job)
        except RepairRefused:
            continue
        condition |= Q(job=job.pk) & _match_options(options)
    return condition


def _match_options(options: ReconcileOptions) -> Q:
    """Match differences whose owner's value can be written, and records to create or delete."""
    local_at, remote_at = F("local_changed_at"), F("remote_changed_at")
    is_local_newer = Q(owner="newer", local_changed_at__gt=remote_at + CLOCK_DIFFERENCE_MAX)
    is_remote_newer = Q(owner="newer", remote_changed_at__gt=local_at + CLOCK_DIFFERENCE_MAX)
    condition = Q(pk__in=())
    if options.remote_action:
        fields = [rule.name for rule in options.fields if parse_path(rule.remote)]
        is_ours = Q(owner="ours") | is_local_newer
        condition |= Q(is_ours, verdict="differs", field__in=fields)
    if options.local_action:
        fields = [rule.name for rule in options.fields if parse_path(rule.local)]
        is_theirs = Q(owner="theirs") | is_remote_newer
        condition |= Q(is_theirs, verdict="differs", field__in=fields)
    is_deleted = Q(reason__in=("deleted_here", "deleted_there"))
    for side, verdict in ((LOCAL, "missing_here"), (REMOTE, "missing_there")):
        creates = options.creates_here if side == LOCAL else options.creates_there
        if creates:
            condition |= Q(~is_deleted, verdict=verdict)
    if options.deletes_here and options.local_action:
        condition |= Q(verdict="missing_there", reason="deleted_there")
    if options.deletes_there and options.remote_action:
        condition |= Q(verdict="missing_here", reason="deleted_here")
    return condition
