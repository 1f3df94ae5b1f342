"""Record the findings of a chunk; each discrepancy keeps its row over nights.

Runs in the transaction that stores the cursor after the chunk.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from hub.connections.models import Connection
from hub.db import bulk
from hub.scheduled.models import Discrepancy, Run
from hub.scheduled.reconciliation.values.converters import describe_value
from hub.scheduled.reconciliation.verdicts.judge import Finding

FINDERS_KEPT = 10  # runs that found a discrepancy, of which a plan may wait
ID_LENGTH_MAX = 200  # characters of ids and versions
UNSETTLED_DELIVERY_STATES = ("waiting", "sending", "held")
UPDATED_FIELDS = (
    "verdict",
    "state",
    "reason",
    "detail",
    "owner",
    "local_id",
    "remote_id",
    "local_value",
    "remote_value",
    "local_version",
    "remote_version",
    "local_changed_at",
    "remote_changed_at",
    "first_run_id",
    "last_run_id",
    "found_by_runs",
    "first_seen_at",
    "last_seen_at",
    "resolved_at",
    "repaired_at",
    "ignored_reason",
    "ignored_digest",
)


@dataclass(slots=True)
class JudgedKeys:
    """The result of a chunk: findings, the keys that were judged, and those that were not."""

    findings: list[Finding] = field(default_factory=list)
    judged_keys: list[str] = field(default_factory=list)
    postponed_keys: list[str] = field(default_factory=list)


def record_findings(
    run: Run, connection: Connection, keys: JudgedKeys, *, has_open: bool, now: datetime
) -> None:
    """Insert new discrepancies, update those found again, and resolve the others.

    `has_open`: the job had unresolved discrepancies of the tenant when the comparison began.
    Discrepancies of postponed keys are not changed.
    """
    known = _lock_known(run, keys, has_open=has_open)
    new, changed = [], []
    for finding in keys.findings:
        discrepancy = known.pop((finding.record_key, finding.field), None)
        if discrepancy is None:
            discrepancy = _create(run, connection, finding, now=now)
            new.append(discrepancy)
        else:
            changed.append(discrepancy)
        _update_from(discrepancy, finding, run, now=now)
    postponed = set(keys.postponed_keys)
    for discrepancy in known.values():
        is_settled = discrepancy.state == "resolved" or is_repair_in_progress(discrepancy)
        if discrepancy.record_key not in postponed and not is_settled:
            _resolve(discrepancy, now=now)
        discrepancy.last_run_id = run.pk
        changed.append(discrepancy)
    if new:
        bulk.insert_rows(Discrepancy, bulk.column_values(Discrepancy, new))
    _store_changes(changed)


def preview_states(run: Run, keys: JudgedKeys) -> dict[str, int]:
    """Count the states that the discrepancies of a chunk would have, without storing anything."""
    found = {(finding.record_key, finding.field) for finding in keys.findings}
    record_keys = {*keys.judged_keys, *keys.postponed_keys}
    rows = Discrepancy.unscoped.filter(
        job=run.job_id, tenant=run.tenant_id, record_key__in=sorted(record_keys)
    )
    unresolved = rows.exclude(state="resolved").values_list("record_key", "field", "state")
    known = {(record_key, field): state for record_key, field, state in unresolved}
    states = Counter(
        "open" if known.get(name) == "new" else known.get(name, "new") for name in found
    )
    gone = {name for name in known if name not in found and name[0] not in keys.postponed_keys}
    return {**states, "resolved": len(gone)}


def find_ambiguous_keys(run: Run) -> frozenset[str]:
    """Return the keys that are known to have several records on one side."""
    rows = Discrepancy.unscoped.filter(job=run.job_id, tenant=run.tenant_id, verdict="ambiguous")
    keys = rows.exclude(state="resolved").values_list("record_key", flat=True)
    return frozenset(keys)


def _lock_known(
    run: Run, keys: JudgedKeys, *, has_open: bool
) -> dict[tuple[str, str], Discrepancy]:
    """Lock the discrepancies of this chunk's keys: all if found, otherwise open ones."""
    record_keys = {finding.record_key for finding in keys.findings}
    condition = Q(record_key__in=sorted(record_keys)) if record_keys else Q(pk__in=())
    if has_open:
        others = sorted({*keys.judged_keys, *keys.postponed_keys} - record_keys)
        condition |= Q(record_key__in=others) & ~Q(state="resolved") if others else Q()
    if not record_keys and not has_open:
        return {}
    rows = Discrepancy.unscoped.filter(condition, job=run.job_id, tenant=run.tenant_id)
    locked = rows.select_related("repair_delivery").select_for_update(of=("self",)).order_by("pk")
    return {(row.record_key, row.field): row for row in locked}


def _create(run: Run, connection: Connection, finding: Finding, *, now: datetime) -> Discrepancy:
    return Discrepancy(
        tenant_id=run.tenant_id,
        job_id=run.job_id,
        connection=connection,
        record_key=finding.record_key,
        field=finding.field,
        state="",
        first_run_id=run.pk,
        first_seen_at=now,
    )


def _update_from(discrepancy: Discrepancy, finding: Finding, run: Run, *, now: datetime) -> None:
    """Write a finding to its row, and set the resulting state."""
    is_new = discrepancy.state in ("", "resolved")
    before = discrepancy.reason, discrepancy.verdict
    local_changed_at, remote_changed_at = _find_change_times(discrepancy, finding, is_new=is_new)
    discrepancy.verdict, discrepancy.owner = finding.verdict, finding.owner
    discrepancy.reason, discrepancy.detail = finding.reason, ""
    local, remote = finding.local, finding.remote
    discrepancy.local_id = local.record_id[:ID_LENGTH_MAX] if local else ""
    discrepancy.remote_id = remote.record_id[:ID_LENGTH_MAX] if remote else ""
    discrepancy.local_value, discrepancy.remote_value = finding.local_value, finding.remote_value
    discrepancy.local_version = local.version[:ID_LENGTH_MAX] if local else ""
    discrepancy.remote_version = remote.version[:ID_LENGTH_MAX] if remote else ""
    discrepancy.local_changed_at = local_changed_at
    discrepancy.remote_changed_at = remote_changed_at
    discrepancy.last_run_id, discrepancy.last_seen_at = run.pk, now
    earlier_runs = "," if is_new else discrepancy.found_by_runs or ","
    discrepancy.found_by_runs = add_finder(earlier_runs, run.pk)
    if is_new:
        discrepancy.first_run_id, discrepancy.first_seen_at = run.pk, now
        discrepancy.resolved_at = None
        discrepancy.ignored_reason = discrepancy.ignored_digest = ""
    _set_state(discrepancy, before, is_new=is_new)


def add_finder(earlier_runs: str, run_id: int) -> str:
    """Return the keys of the runs that found a discrepancy, with this one first."""
    keys = [key for key in earlier_runs.split(",") if key and key != str(run_id)]
    return f",{','.join([str(run_id), *keys[: FINDERS_KEPT - 1]])},"


def _find_change_times(
    discrepancy: Discrepancy, finding: Finding, *, is_new: bool
) -> tuple[datetime | None, datetime | None]:
    """Return when both sides changed; a value that is still the stored one keeps its stored time.

    Systems report the time of a record, so a change of another field, for example by our own
    repair, does not make this field's value newer.
    """
    local = finding.local.changed_at if finding.local else None
    remote = finding.remote.changed_at if finding.remote else None
    if is_new or (discrepancy.verdict, finding.verdict) != ("differs", "differs"):
        return local, remote
    if discrepancy.local_value == finding.local_value:
        local = discrepancy.local_changed_at or local
    if discrepancy.remote_value == finding.remote_value:
        remote = discrepancy.remote_changed_at or remote
    return local, remote


def _set_state(discrepancy: Discrepancy, before: tuple[str, str], *, is_new: bool) -> None:
    """Set the state of a discrepancy. `before`: its reason and verdict before this run."""
    if is_new:
        discrepancy.state = "new"
    elif discrepancy.state == "repairing":
        _end_repair(discrepancy, *before)
    elif discrepancy.state == "ignored":
        if discrepancy.ignored_digest != digest_values(discrepancy):
            discrepancy.state = "open"
            discrepancy.ignored_reason = discrepancy.ignored_digest = ""
    else:
        discrepancy.state = "open"


def _end_repair(discrepancy: Discrepancy, reason_before: str, verdict_before: str) -> None:
    """Reopen a discrepancy that its repair did not remove, unless the repair is in progress.

    A repair of another verdict that was not sent yet ends, too: instead of creating the record of
    one side it would delete that of the other.
    """
    delivery = discrepancy.repair_delivery
    if delivery is None and discrepancy.verdict != verdict_before:
        discrepancy.state = "open"
        return
    if delivery is None or is_repair_in_progress(discrepancy):
        discrepancy.reason = discrepancy.reason or reason_before
        return
    discrepancy.state = "open"
    if delivery.state == "delivered":
        discrepancy.reason = discrepancy.reason or "repair_without_effect"
    else:
        discrepancy.reason = discrepancy.reason or delivery.reason or "repair_failed"
        discrepancy.detail = delivery.detail


def is_repair_in_progress(discrepancy: Discrepancy) -> bool:
    """Return whether the write of the repair may still be sent; its result then decides."""
    delivery = discrepancy.repair_delivery
    is_unsettled = delivery is None or delivery.state in UNSETTLED_DELIVERY_STATES
    return discrepancy.state == "repairing" and is_unsettled


def _resolve(discrepancy: Discrepancy, *, now: datetime) -> None:
    """Resolve discrepancies that a run found no more; this also confirms a delivered repair."""
    delivery = discrepancy.repair_delivery
    is_repaired = discrepancy.state == "repairing" and bool(
        delivery and delivery.state == "delivered"
    )
    discrepancy.state, discrepancy.resolved_at = "resolved", now
    discrepancy.reason, discrepancy.detail = "repaired" if is_repaired else "", ""
    discrepancy.repaired_at = now if is_repaired else discrepancy.repaired_at
    discrepancy.ignored_reason = discrepancy.ignored_digest = ""


def _store_changes(discrepancies: Sequence[Discrepancy]) -> None:
    if not discrepancies:
        return
    columns: dict[str, list[Any]] = {
        name: [getattr(discrepancy, name) for discrepancy in discrepancies]
        for name in UPDATED_FIELDS
    }
    bulk.update_rows(Discrepancy, [discrepancy.pk for discrepancy in discrepancies], columns)


def digest_values(discrepancy: Discrepancy) -> str:
    """Return the SHA-256 of verdict and values; a change ends that it is ignored."""
    content = [discrepancy.verdict, discrepancy.local_value, discrepancy.remote_value]
    return hashlib.sha256(describe_value(content).encode("utf-8", "replace")).hexdigest()


def match_repairs_in_progress() -> Q:
    """Match the repairs whose write may still be sent, like `is_repair_in_progress`."""
    is_unsettled = Q(repair_delivery=None) | Q(repair_delivery__state__in=UNSETTLED_DELIVERY_STATES)
    return Q(is_unsettled, state="repairing")


def has_open_discrepancies(run: Run) -> bool:
    rows = Discrepancy.unscoped.filter(job=run.job_id, tenant=run.tenant_id)
    return rows.exclude(state="resolved").exists()


def resolve_unseen(run: Run, *, now: datetime) -> int:
    """Resolve the discrepancies of records that a complete run found nowhere; return how many."""
    rows = Discrepancy.unscoped.filter(job=run.job_id, tenant=run.tenant_id)
    unseen = (
        rows.exclude(state="resolved").exclude(last_run=run.pk).exclude(match_repairs_in_progress())
    )
    return unseen.update(
        state="resolved",
        resolved_at=now,
        reason="",
        detail="",
        ignored_reason="",
        ignored_digest="",
        last_run=run.pk,
    )
