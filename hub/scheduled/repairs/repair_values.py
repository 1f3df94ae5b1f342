"""Convert values to the form in which the other side stores them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.http import narrow_decimal
from hub.problems import Refusal
from hub.scheduled.reconciliation.options import FieldRule
from hub.scheduled.reconciliation.values.converters import (
    Canonical,
    convert_local,
    convert_remote,
    format_scalar,
    is_unconverted,
)
from hub.scheduled.reconciliation.values.staged_values import is_truncated


class RepairRefused(Refusal):
    """The discrepancy cannot be repaired; `reason` is a reason code."""

    def __init__(self, reason: str, detail: str = "", sentence: str = "") -> None:
        super().__init__(sentence or detail or reason)
        self.reason, self.detail = reason, detail


class ReferencePairs:
    """The identities that repairs need: remote ids by local ones, and vice versa."""

    def __init__(self, remote_ids: Mapping[tuple[str, str], str]) -> None:
        self.remote_ids = remote_ids
        self.local_ids = {
            (kind, remote_id): local_id for (kind, local_id), remote_id in remote_ids.items()
        }


def convert_to_remote(value: Any, present: Any, rule: FieldRule, pairs: ReferencePairs) -> Any:
    """Return our value as the other system stores it. Raises RepairRefused.

    `present` is the value that is replaced: if it is a number stored as text, the result is text,
    too.
    """
    canonical = convert_local(value, rule, pairs.remote_ids)
    _check_convertible(value, canonical)
    if rule.type == "picklist" and rule.values and canonical is not None:
        text = format_scalar(value).strip()
        folded = rule.folded_values.get(text.casefold()) if rule.ignore_case else None
        return rule.values.get(text, folded)
    return _format_value(value, canonical, present, rule)


def convert_to_local(value: Any, present: Any, rule: FieldRule, pairs: ReferencePairs) -> Any:
    """Return the remote value as our application stores it. Raises RepairRefused."""
    canonical = convert_remote(value, rule)
    _check_convertible(value, canonical)
    if canonical is not None and rule.type == "picklist" and rule.values:
        ours = rule.reversed_values.get(format_scalar(value).strip())
        if ours is None:
            raise RepairRefused("picklist_value_unmapped", format_scalar(value)[:200])
        return ours
    if canonical is not None and rule.type == "reference":
        local_id = pairs.local_ids.get((rule.identity, str(canonical)))
        if local_id is None:
            raise RepairRefused("identity_missing", str(canonical)[:200])
        return local_id
    return _format_value(value, canonical, present, rule)


def _check_convertible(value: Any, canonical: Canonical) -> None:
    if is_truncated(value):
        raise RepairRefused("value_too_large")
    if is_unconverted(canonical):
        assert isinstance(canonical, list)
        raise RepairRefused(str(canonical[1]), str(canonical[2])[:200])


def _format_value(value: Any, canonical: Canonical, present: Any, rule: FieldRule) -> Any:
    if canonical is None:
        return None
    if rule.type in ("integer", "decimal"):
        return _format_number(value, str(canonical), present)
    if rule.type in ("boolean", "datetime", "date", "reference"):
        return canonical
    return value if isinstance(value, str | int | float | Decimal | bool) else str(canonical)


def _format_number(value: Any, canonical: str, present: Any) -> Any:
    """Return a number as a JSON number with all its digits, or as text if `present` is text."""
    if " " in canonical:  # an amount with its currency, as it was read
        return value
    number = Decimal(canonical)
    if isinstance(present, str):
        return canonical
    return int(number) if number == number.to_integral_value() else narrow_decimal(number)
