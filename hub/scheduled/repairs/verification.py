"""Settle delivered repairs, by their records as they were read afterwards.

If a record cannot be read, its repair stays *repairing*, until a later read or the next run shows
whether the values are there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from connectors.http import load_json
from hub.mappings.missing_paths import get_value_at_path
from hub.outgoing.models import Attempt, EventBody
from hub.scheduled.models import LOCAL, Discrepancy
from hub.scheduled.reconciliation.options import FieldRule, ReconcileOptions, parse_path
from hub.scheduled.repairs.outcomes import reopen, resolve
from hub.scheduled.repairs.record_reading import CurrentRecord
from hub.scheduled.repairs.repair_requests import MISSING_VERDICTS, target_path
from hub.scheduled.repairs.second_comparison import (
    find_record_id,
    is_creation,
    is_same_value,
)

UNVERIFIED = "repair_unverified"
UNVERIFIED_SHOWN_AFTER = timedelta(minutes=2)  # later it is shown that the repair is not proven
READ_EVERY_MIN, READ_EVERY_MAX = timedelta(seconds=5), timedelta(hours=1)
UNVERIFIED_FOR_MAX = timedelta(days=7)  # later a person may repair it again


def match_delivered(*, now: datetime) -> Q:
    """Match the delivered repairs whose effect is to be read now."""
    is_due = Q(read_again_at=None) | Q(read_again_at__lte=now)
    return Q(is_due, state="repairing", repair_delivery__state="delivered")


def find_target_id(discrepancy: Discrepancy) -> str:
    """Return the id of the record that is written; "" if it is created."""
    return find_record_id(discrepancy, discrepancy.repair_side)


def load_created_ids(delivered: Sequence[Discrepancy]) -> dict[int, str]:
    """Return the ids of records that repairs created, as systems returned them, by discrepancy."""
    created = [entry for entry in delivered if is_creation(entry)]
    attempts = Attempt.unscoped.filter(
        delivery__in={entry.repair_delivery_id for entry in created}, outcome="delivered"
    )
    ids = dict(attempts.exclude(reference="").values_list("delivery", "reference"))
    return {
        entry.pk: ids[entry.repair_delivery_id]
        for entry in created
        if entry.repair_delivery_id in ids
    }


def verify_delivered(
    delivered: Sequence[Discrepancy],
    created_ids: Mapping[int, str],
    records: Mapping[str, CurrentRecord],
    options: ReconcileOptions,
    *,
    now: datetime,
) -> None:
    """Resolve the repairs whose values are in the record, and reopen the others.

    A created record cannot be found without its id: such a repair waits for the next run.
    """
    inputs = _load_inputs(delivered)
    verified: list[Discrepancy] = []
    failed: list[Discrepancy] = []
    for entry in delivered:
        assert entry.repair_delivery is not None
        record = records.get(created_ids.get(entry.pk) or find_target_id(entry))
        written = inputs.get(entry.repair_delivery.event_id)
        if entry.verdict in MISSING_VERDICTS and not is_creation(entry):
            is_done = record is None  # it was deleted
        else:
            is_done = bool(record and written and _has_written(entry, record, options, written))
        (verified if is_done else failed).append(entry)
    resolve(verified, now=now)
    reopen(failed, "repair_without_effect")


def postpone_verification(delivered: Sequence[Discrepancy], *, now: datetime) -> None:
    """Schedule records to be read again, ever later; after UNVERIFIED_FOR_MAX reopen them."""
    for entry in delivered:
        assert entry.repair_delivery is not None
        age = now - entry.repair_delivery.state_changed_at
        if age > UNVERIFIED_FOR_MAX:
            reopen([entry], UNVERIFIED)
            continue
        Discrepancy.unscoped.filter(pk=entry.pk, state="repairing").update(
            read_again_at=now + min(max(age, READ_EVERY_MIN), READ_EVERY_MAX),
            reason=UNVERIFIED if age > UNVERIFIED_SHOWN_AFTER else entry.reason,
        )


def _load_inputs(discrepancies: Sequence[Discrepancy]) -> dict[int, Mapping[str, Any]]:
    """Return the input of the deliveries, by their event."""
    events = {entry.repair_delivery.event_id for entry in discrepancies if entry.repair_delivery}
    rows = EventBody.objects.filter(pk__in=events).values_list("pk", "body")
    return {pk: load_json(bytes(body))["data"]["input"] for pk, body in rows}


def _has_written(
    discrepancy: Discrepancy,
    record: CurrentRecord,
    options: ReconcileOptions,
    input: Mapping[str, Any],
) -> bool:
    """Return whether the record has the written values: one field, or all of a new record."""
    side, written = discrepancy.repair_side, input.get("fields", input)
    if discrepancy.verdict not in MISSING_VERDICTS:
        rule = options.rule(discrepancy.field)
        return rule is not None and _has_value(record, rule, target_path(rule, side), written)
    paths = [
        (rule, parse_path(rule.local if side == LOCAL else rule.remote)) for rule in options.fields
    ]
    return record.key == discrepancy.record_key and all(
        _has_value(record, rule, path, written)
        for rule, path in paths
        if path and get_value_at_path(written, path) is not None
    )


def _has_value(record: CurrentRecord, rule: FieldRule, path: Sequence[str], written: Any) -> bool:
    return is_same_value(record.values.get(rule.name), get_value_at_path(written, path), rule)
