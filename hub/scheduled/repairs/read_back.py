"""Settle repairs by their records as they were read again: before they are sent, or after they
were delivered.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Q

from hub.outgoing.models import EventBody
from hub.scheduled.models import LOCAL, Discrepancy
from hub.scheduled.reconciliation.options import FieldRule, ReconcileOptions
from hub.scheduled.reconciliation.values.converters import convert_remote
from hub.scheduled.repairs.execute import store_refusals
from hub.scheduled.repairs.record_reading import CurrentRecord
from hub.scheduled.repairs.repair_deliveries import RepairSender
from hub.scheduled.repairs.repair_requests import target_path

READ_VALID_FOR = timedelta(seconds=60)  # a repair that is not sent by then is not sent
Records = Mapping[str, CurrentRecord]  # by id


def match_unread() -> Q:
    """Match the repairs that wait until their record is read again."""
    return Q(state="repairing", repair_delivery=None)


def match_delivered() -> Q:
    """Match the repairs that were delivered, and whose effect was not read yet."""
    return Q(state="repairing", repair_delivery__state="delivered")


def find_target_id(discrepancy: Discrepancy) -> str:
    """Return the id of the record that is written."""
    is_local = discrepancy.repair_side == LOCAL
    return discrepancy.local_id if is_local else discrepancy.remote_id


def is_same_value(first: Any, second: Any, rule: FieldRule) -> bool:
    """Return whether two values of one side are the same to the field."""
    return convert_remote(first, rule) == convert_remote(second, rule)


def reopen(discrepancies: Sequence[Discrepancy], reason: str) -> None:
    rows = Discrepancy.unscoped.filter(pk__in=[entry.pk for entry in discrepancies])
    rows.filter(state="repairing").update(state="open", reason=reason)


def resolve(discrepancies: Sequence[Discrepancy], *, now: datetime) -> None:
    rows = Discrepancy.unscoped.filter(pk__in=[entry.pk for entry in discrepancies])
    rows.filter(state="repairing").update(
        state="resolved", reason="repaired", detail="", resolved_at=now, repaired_at=now
    )


# --- after a repair -------------------------------------------------------------------------------


def verify_delivered(
    delivered: Sequence[Discrepancy],
    records: Records,
    options: ReconcileOptions,
    *,
    now: datetime,
) -> None:
    """Resolve the repairs whose value is in the record, and reopen the others."""
    inputs = _load_inputs(delivered)
    verified: list[Discrepancy] = []
    failed: list[Discrepancy] = []
    for entry in delivered:
        assert entry.repair_delivery is not None
        written = inputs.get(entry.repair_delivery.event_id)
        is_there = _has_written_value(entry, records, options, written)
        (verified if is_there else failed).append(entry)
    resolve(verified, now=now)
    reopen(failed, "repair_without_effect")
    _refresh_versions(verified, records, options)


def _load_inputs(discrepancies: Sequence[Discrepancy]) -> dict[int, Mapping[str, Any]]:
    """Return what the deliveries wrote, by their event."""
    events = {entry.repair_delivery.event_id for entry in discrepancies if entry.repair_delivery}
    rows = EventBody.objects.filter(pk__in=events).values_list("pk", "body")
    return {pk: orjson.loads(bytes(body))["data"]["input"] for pk, body in rows}


def _has_written_value(
    discrepancy: Discrepancy,
    records: Records,
    options: ReconcileOptions,
    input: Mapping[str, Any] | None,
) -> bool:
    rule, record = options.rule(discrepancy.field), records.get(find_target_id(discrepancy))
    if rule is None or record is None or input is None:
        return False
    written: Any = input.get("fields", input)
    for name in target_path(rule, discrepancy.repair_side):
        written = written.get(name) if isinstance(written, Mapping) else None
    return is_same_value(record.values.get(rule.name), written, rule)


def _refresh_versions(
    verified: Sequence[Discrepancy], records: Records, options: ReconcileOptions
) -> None:
    """Store the version that our repair made with the record's other discrepancies, so that they
    can be repaired too; only where the compared value is still there.

    The time of change stays: our repair makes no other value the newer one.
    """
    by_key = {entry.record_key: entry for entry in verified}
    if not by_key:
        return
    (first, *_) = verified
    siblings = Discrepancy.unscoped.filter(
        job=first.job_id,
        tenant=first.tenant_id,
        record_key__in=by_key,
        state__in=("new", "open"),
        verdict="differs",
    )
    for sibling in siblings:
        repaired = by_key[sibling.record_key]
        record, rule = records[find_target_id(repaired)], options.rule(sibling.field)
        is_local = repaired.repair_side == LOCAL
        compared = sibling.local_value if is_local else sibling.remote_value
        if rule is not None and is_same_value(record.values.get(rule.name), compared, rule):
            side = "local" if is_local else "remote"
            rows = Discrepancy.unscoped.filter(pk=sibling.pk, state=sibling.state)
            rows.update(**{f"{side}_version": record.version})


# --- before a repair ------------------------------------------------------------------------------


def send_unchanged(
    unread: Sequence[Discrepancy],
    records: Records,
    options: ReconcileOptions,
    sender: RepairSender,
    *,
    now: datetime,
) -> None:
    """Send the repairs of records that still have the compared value, and reopen the others.

    A delivery that is not sent within READ_VALID_FOR expires.
    """
    unchanged: list[Discrepancy] = []
    changed: list[Discrepancy] = []
    for entry in unread:
        rule, record = options.rule(entry.field), records.get(find_target_id(entry))
        is_unchanged = (
            rule is not None
            and record is not None
            and is_same_value(record.values.get(rule.name), entry.replaced_value, rule)
        )
        (unchanged if is_unchanged else changed).append(entry)
    reopen(changed, "changed_since")
    if unchanged:
        _publish(unchanged, sender, now=now)


@transaction.atomic
def _publish(unchanged: Sequence[Discrepancy], sender: RepairSender, *, now: datetime) -> None:
    rows = Discrepancy.unscoped.filter(match_unread(), pk__in=[entry.pk for entry in unchanged])
    locked = list(
        rows.select_related("job", "connection", "tenant")
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )
    if not locked:
        return
    result = sender.publish_after_reading(locked, expires_at=now + READ_VALID_FOR)
    reopen([entry for entry, _refused in result.refused], "repair_failed")
    store_refusals(result)
