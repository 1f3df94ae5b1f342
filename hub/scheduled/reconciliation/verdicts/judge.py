"""Judge the records of one key: a pure function of what was read on both sides."""

from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.db.storable import make_storable
from hub.scheduled.reconciliation.changes_in_flight import NOTHING_IN_FLIGHT, InFlightTexts
from hub.scheduled.reconciliation.options import FieldRule
from hub.scheduled.reconciliation.values.converters import Canonical, is_unconverted
from hub.scheduled.reconciliation.values.record_keys import decode_key, is_unmatched
from hub.scheduled.reconciliation.values.staged_values import (
    DELETED_MARK,
    StagedValues,
    decode_staged,
    read_canonical_line,
)

IDS_SHOWN = 5  # of an ambiguous key

EQUAL, FOUND, UNSETTLED, UNPROVEN = "equal", "found", "unsettled", "unproven"


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One staged row. `round` is 0 for the first read, and larger for reads of later changes."""

    key: bytes
    round: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ReadCoverage:
    """What a run has read, which determines the verdicts that are possible.

    `has_all_here`, `has_all_there`: the side was read to its end, so a deleted record was the last
    one of its key. `superseded_hashes`: of the record ids that were read again, by side.
    """

    began_at: datetime
    proves_missing_here: bool
    proves_missing_there: bool
    superseded_hashes: Mapping[bool, AbstractCollection[int]]
    in_flight_texts: InFlightTexts = NOTHING_IN_FLIGHT
    matches_by_identity: bool = False
    has_all_here: bool = False
    has_all_there: bool = False
    # keys with several records, of which an incremental read brings perhaps one
    ambiguous_keys: AbstractCollection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """One discrepancy found by a run. `field` is "" if it concerns the whole record."""

    record_key: str
    field: str
    verdict: str
    reason: str = ""
    owner: str = ""
    local: StagedValues | None = None
    remote: StagedValues | None = None
    local_value: Any = None
    remote_value: Any = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result for one key: equal, unsettled, unproven, or findings.

    `changed_at`: for unsettled records, when the last of them was changed.
    """

    outcome: str
    findings: Sequence[Finding] = ()
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyRecords:
    """The existing records of a key, as they were last read.

    `is_known_here`, `is_known_there`: a record with this key was read, existing or deleted.
    """

    key: bytes
    local: Sequence[StagedValues]
    remote: Sequence[StagedValues]
    is_known_here: bool
    is_known_there: bool
    rules: Sequence[FieldRule]


def judge_records(
    key: bytes,
    local_rows: Sequence[ReadRow],
    remote_rows: Sequence[ReadRow],
    rules: Sequence[FieldRule],
    coverage: ReadCoverage,
) -> Judgement | None:
    """Return the verdict on all records of a key; None if none of them exists any more.

    *unsettled*: a record changed after the run began, or a delivery about it is in flight; the
    next run judges it. *unproven*: a record was not read on one side, and that side was not read
    completely, or the key is known to have further records.
    """
    if coverage.ambiguous_keys and decode_key(key) in coverage.ambiguous_keys:
        return Judgement(UNPROVEN)
    if _is_plain_pair(local_rows, remote_rows) and _is_equal(local_rows[0], remote_rows[0]):
        return Judgement(EQUAL)
    local = _select_current(local_rows, coverage.superseded_hashes[True])
    remote = _select_current(remote_rows, coverage.superseded_hashes[False])
    living_local = [values for values in local if not values.is_deleted]
    living_remote = [values for values in remote if not values.is_deleted]
    if not living_local and not living_remote:
        return None
    records = KeyRecords(key, living_local, living_remote, bool(local), bool(remote), rules)
    judgement = _judge_existing(records, coverage)
    has_changed = _has_changed_while_read(local_rows) or _has_changed_while_read(remote_rows)
    if judgement.outcome != EQUAL and (
        has_changed or _may_still_change(key, [*local, *remote], coverage)
    ):
        times = [entry.changed_at for entry in [*local, *remote] if entry.changed_at]
        return Judgement(UNSETTLED, changed_at=max(times, default=None))
    return judgement


def _is_plain_pair(local_rows: Sequence[ReadRow], remote_rows: Sequence[ReadRow]) -> bool:
    """Return whether each side has exactly one row, from its first read."""
    if len(local_rows) != 1 or len(remote_rows) != 1:
        return False
    return not local_rows[0].round and not remote_rows[0].round


def _is_equal(local: ReadRow, remote: ReadRow) -> bool:
    line = read_canonical_line(local.body)
    return line == read_canonical_line(remote.body) and line != DELETED_MARK


def hash_record_id(record_id: str) -> int:
    """Return a number for a record id, within one process."""
    return hash(record_id)


def _select_current(
    rows: Sequence[ReadRow], superseded: AbstractCollection[int]
) -> list[StagedValues]:
    """Return each record as it was last read, including deleted ones.

    A row of the first read is ignored if its record was read again under another key.
    """
    latest: dict[str, tuple[int, StagedValues]] = {}
    for row in rows:
        values = decode_staged(row.body)
        if not row.round and hash_record_id(values.record_id) in superseded:
            continue
        known = latest.get(values.record_id)
        if known is None or row.round >= known[0]:
            latest[values.record_id] = (row.round, values)
    return [values for _, values in latest.values()]


def _judge_existing(records: KeyRecords, coverage: ReadCoverage) -> Judgement:
    if is_unmatched(records.key):
        reason = "identity_missing" if coverage.matches_by_identity else "without_key"
        return _build_judgement(_describe_record_finding(records, "unmapped", reason))
    if len(records.local) > 1 or len(records.remote) > 1:
        return _build_judgement(_describe_ambiguous(records))
    if not records.local:
        is_proven = coverage.proves_missing_here or (
            records.is_known_here and (coverage.has_all_here or coverage.matches_by_identity)
        )
        if not is_proven:
            return Judgement(UNPROVEN)
        reason = "deleted_here" if records.is_known_here else ""
        return _build_judgement(_describe_record_finding(records, "missing_here", reason))
    if not records.remote:
        is_proven = coverage.proves_missing_there or (
            records.is_known_there and (coverage.has_all_there or coverage.matches_by_identity)
        )
        if not is_proven:
            return Judgement(UNPROVEN)
        reason = "deleted_there" if records.is_known_there else ""
        return _build_judgement(_describe_record_finding(records, "missing_there", reason))
    findings = _compare_fields(records)
    return _build_judgement(*findings) if findings else Judgement(EQUAL)


def _build_judgement(*findings: Finding) -> Judgement:
    return Judgement(FOUND, findings)


def _describe_record_finding(records: KeyRecords, verdict: str, reason: str) -> Finding:
    """Return a finding about a whole record, which exists on one side only."""
    local, remote = next(iter(records.local), None), next(iter(records.remote), None)
    return Finding(
        decode_key(records.key),
        "",
        verdict,
        reason,
        local=local,
        remote=remote,
        local_value=_describe_values(local, records.rules),
        remote_value=_describe_values(remote, records.rules),
    )


def _describe_values(values: StagedValues | None, rules: Sequence[FieldRule]) -> Any:
    """Return the compared values of a record by the names of the fields."""
    if values is None:
        return None
    names = (rule.name for rule in rules)
    return make_storable(dict(zip(names, values.raw, strict=True)))


def _describe_ambiguous(records: KeyRecords) -> Finding:
    """Return a finding with the ids of the records that share the key."""
    local, remote = records.local, records.remote
    return Finding(
        decode_key(records.key),
        "",
        "ambiguous",
        "duplicate_key",
        local=local[0] if len(local) == 1 else None,
        remote=remote[0] if len(remote) == 1 else None,
        local_value=make_storable([values.record_id for values in local[:IDS_SHOWN]]),
        remote_value=make_storable([values.record_id for values in remote[:IDS_SHOWN]]),
    )


def _compare_fields(records: KeyRecords) -> list[Finding]:
    (local,), (remote,) = records.local, records.remote
    name = decode_key(records.key)
    findings = []
    for index, rule in enumerate(records.rules):
        ours, theirs = local.canonical[index], remote.canonical[index]
        if ours == theirs:
            continue
        reason = _find_unmapped_reason(ours, theirs)
        findings.append(
            Finding(
                name,
                rule.name,
                "unmapped" if reason else "differs",
                reason,
                owner=rule.owner,
                local=local,
                remote=remote,
                local_value=make_storable(local.raw[index]),
                remote_value=make_storable(remote.raw[index]),
            )
        )
    return findings


def _find_unmapped_reason(ours: Canonical, theirs: Canonical) -> str:
    """Return why two values cannot be compared; "" if they can."""
    for value in (ours, theirs):
        if is_unconverted(value):
            assert isinstance(value, list)
            return str(value[1])
    return ""


def _has_changed_while_read(rows: Sequence[ReadRow]) -> bool:
    """Return whether a record was read in two states, whatever its system's clock says."""
    bodies: dict[str, set[bytes]] = {}
    for row in rows if len(rows) > 1 else ():
        bodies.setdefault(decode_staged(row.body).record_id, set()).add(row.body)
    return any(len(states) > 1 for states in bodies.values())


def _may_still_change(key: bytes, values: Sequence[StagedValues], coverage: ReadCoverage) -> bool:
    if any(entry.changed_at and entry.changed_at >= coverage.began_at for entry in values):
        return True
    names = [decode_key(key), *(entry.record_id for entry in values)]
    return coverage.in_flight_texts.has_any(names)
