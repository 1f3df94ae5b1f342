"""Read the records of repairs again just before they are sent, and send only the unchanged ones."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from hub.scheduled.models import LOCAL, Discrepancy
from hub.scheduled.reconciliation.options import FieldRule, ReconcileOptions
from hub.scheduled.reconciliation.values.converters import convert_remote
from hub.scheduled.repairs.execute import store_refusals
from hub.scheduled.repairs.record_reading import CurrentRecord
from hub.scheduled.repairs.repair_deliveries import RepairSender

READ_VALID_FOR = timedelta(seconds=60)  # a repair that is not sent by then is not sent
Records = Mapping[str, CurrentRecord]  # by id


def match_unread() -> Q:
    """Match the repairs that wait until their record is read again."""
    return Q(state="repairing", repair_delivery=None)


def find_target_id(discrepancy: Discrepancy) -> str:
    """Return the id of the record that is written."""
    is_local = discrepancy.repair_side == LOCAL
    return discrepancy.local_id if is_local else discrepancy.remote_id


def is_same_value(first: Any, second: Any, rule: FieldRule) -> bool:
    """Return whether two values of one side are equal for the field."""
    return convert_remote(first, rule) == convert_remote(second, rule)


def reopen(discrepancies: Sequence[Discrepancy], reason: str) -> None:
    rows = Discrepancy.unscoped.filter(pk__in=[entry.pk for entry in discrepancies])
    rows.filter(state="repairing").update(state="open", reason=reason)


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
