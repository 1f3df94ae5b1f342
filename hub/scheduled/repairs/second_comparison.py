"""Compare both records of a repair again, as they are just before it is sent. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hub.scheduled.models import LOCAL, REMOTE, Discrepancy
from hub.scheduled.reconciliation.options import FieldRule, ReconcileOptions
from hub.scheduled.reconciliation.values.converters import convert_local, convert_remote
from hub.scheduled.repairs.record_reading import CurrentRecord
from hub.scheduled.repairs.repair_requests import MISSING_VERDICTS
from hub.scheduled.repairs.repair_values import ReferencePairs

# unchanged: both sides have the compared values. equal: they do not differ any more. changed:
# anything else, which was not compared
Comparison = Literal["unchanged", "equal", "changed"]


@dataclass(frozen=True, slots=True)
class CurrentSides:
    """The records of a discrepancy on both sides, by side, as they were just read.

    A record that does not exist any more, or has another key now, is absent. `existing`: the
    records that have the key of a record which was missing; None: it cannot be searched for.
    """

    records: Mapping[str, CurrentRecord]
    existing: Sequence[CurrentRecord] | None = ()


def find_record_id(discrepancy: Discrepancy, side: str) -> str:
    return discrepancy.local_id if side == LOCAL else discrepancy.remote_id


def find_missing_side(discrepancy: Discrepancy) -> str:
    """Return the side that lacks the record."""
    return LOCAL if discrepancy.verdict == "missing_here" else REMOTE


def is_creation(discrepancy: Discrepancy) -> bool:
    """Return whether the repair creates the missing record, and does not delete the other one."""
    is_missing = discrepancy.verdict in MISSING_VERDICTS
    return is_missing and discrepancy.repair_side == find_missing_side(discrepancy)


def opposite_side(side: str) -> str:
    return REMOTE if side == LOCAL else LOCAL


def is_same_value(first: Any, second: Any, rule: FieldRule) -> bool:
    """Return whether two values of one side are equal for the field."""
    return convert_remote(first, rule) == convert_remote(second, rule)


def compare_again(
    discrepancy: Discrepancy, sides: CurrentSides, options: ReconcileOptions, pairs: ReferencePairs
) -> Comparison:
    """Return what has become of a discrepancy whose repair is due."""
    if discrepancy.verdict in MISSING_VERDICTS:
        return _compare_missing(discrepancy, sides, options, pairs)
    rule = options.rule(discrepancy.field)
    local, remote = sides.records.get(LOCAL), sides.records.get(REMOTE)
    if rule is None or local is None or remote is None:
        return "changed"
    if _has_equal_values(local, remote, [rule], pairs):
        return "equal"
    ours, theirs = local.values.get(rule.name), remote.values.get(rule.name)
    is_unchanged = is_same_value(ours, discrepancy.local_value, rule) and is_same_value(
        theirs, discrepancy.remote_value, rule
    )
    return "unchanged" if is_unchanged else "changed"


def _compare_missing(
    discrepancy: Discrepancy, sides: CurrentSides, options: ReconcileOptions, pairs: ReferencePairs
) -> Comparison:
    missing_side = find_missing_side(discrepancy)
    source_side = opposite_side(missing_side)
    source = sides.records.get(source_side)
    if source is None or sides.existing is None:
        return "changed"
    if sides.existing:
        (first, *others) = sides.existing
        both = {source_side: source, missing_side: first}
        is_equal = _has_equal_values(both[LOCAL], both[REMOTE], options.fields, pairs)
        return "equal" if is_equal and not others else "changed"
    values = discrepancy.local_value if source_side == LOCAL else discrepancy.remote_value
    is_unchanged = all(
        is_same_value(source.values.get(rule.name), (values or {}).get(rule.name), rule)
        for rule in options.fields
    )
    return "unchanged" if is_unchanged else "changed"


def _has_equal_values(
    local: CurrentRecord,
    remote: CurrentRecord,
    rules: Sequence[FieldRule],
    pairs: ReferencePairs,
) -> bool:
    return all(
        convert_local(local.values.get(rule.name), rule, pairs.remote_ids)
        == convert_remote(remote.values.get(rule.name), rule)
        for rule in rules
    )
