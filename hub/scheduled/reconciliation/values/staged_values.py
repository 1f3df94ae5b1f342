"""Encode staged records: one line of canonical values, and one line with the rest.

Records of both sides are equal if their first lines have the same bytes, so only records that
differ have to be parsed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.http import dump_checked_json, load_json

DELETED_MARK = b"-"  # the first line of a deleted record
VALUE_MAX_BYTES = 64 * 1024  # a larger value is compared, but cannot be repaired
TOO_LARGE = "value_too_large"


@dataclass(frozen=True, slots=True)
class StagedValues:
    """One record of one side: its compared values, and what a repair needs.

    `canonical` and `raw` have one value for each field, in the order of the options; both are empty
    if the record is deleted.
    """

    record_id: str
    canonical: Sequence[Any]
    raw: Sequence[Any]
    version: str = ""
    changed_at: datetime | None = None

    @property
    def is_deleted(self) -> bool:
        return not self.canonical


def encode_staged(values: StagedValues) -> bytes:
    head = DELETED_MARK if values.is_deleted else dump_checked_json(list(values.canonical))
    changed_at = values.changed_at.isoformat() if values.changed_at else None
    tail = [values.record_id, values.version, changed_at, list(values.raw)]
    return head + b"\n" + dump_checked_json(tail)


def decode_staged(body: bytes) -> StagedValues:
    head, _, tail = body.partition(b"\n")
    record_id, version, changed_at, raw = load_json(tail)
    return StagedValues(
        record_id,
        [] if head == DELETED_MARK else load_json(head),
        raw,
        version,
        datetime.fromisoformat(changed_at) if changed_at else None,
    )


def read_canonical_line(body: bytes) -> bytes:
    """Return the first line, which holds the canonical values and is the same for equal records."""
    return body.partition(b"\n")[0]


def limit_value(value: Any) -> Any:
    """Return a value as it is stored for pages and repairs; a large one is an excerpt."""
    if value is None or isinstance(value, bool | int | float | Decimal):
        return value
    if isinstance(value, str) and len(value) <= VALUE_MAX_BYTES // 4:
        return value
    encoded = dump_checked_json(value)
    if len(encoded) <= VALUE_MAX_BYTES:
        return value
    return {TOO_LARGE: len(encoded), "begins": encoded[:200].decode(errors="replace")}


def is_truncated(value: Any) -> bool:
    return isinstance(value, dict) and TOO_LARGE in value
