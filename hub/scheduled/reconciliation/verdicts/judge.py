"""The verdict on the records of one key: a pure function of what was read on both sides."""

from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.scheduled.reconciliation.changes_in_flight import NOTHING_IN_FLIGHT, TextsInFlight
from hub.scheduled.reconciliation.options import FieldRule
from hub.scheduled.reconciliation.values.converters import Canonical, is_unconverted
from hub.scheduled.reconciliation.values.record_keys import decode_key, is_unmatched
from hub.scheduled.reconciliation.values.staged_values import (
    StagedValues,
    compared_line,
    decode_staged,
    make_storable,
)

IDS_SHOWN = 5  # of an ambiguous key

EQUAL, UNSETTLED, UNPROVEN = "equal", "unsettled", "unproven"


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One staged row. `round` is 0 for the first read, and larger for reads of later changes."""

    key: bytes
    round: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ReadScope:
    """What was read, by which a verdict is allowed.

    `superseded`: hashes of the record ids that were read again, by side.
    """

    began_at: datetime
    proves_missing_here: bool
    proves_missing_there: bool
    superseded: Mapping[bool, AbstractCollection[int]]
    texts_in_flight: TextsInFlight = NOTHING_IN_FLIGHT
    matches_by_identity: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One discrepancy as a run found it. `field` is empty if it concerns the whole record."""

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
    """The result for one key: equal, unsettled, unproven, or findings."""

    outcome: str
    findings: Sequence[Finding] = ()


def judge_records(
    key: bytes,
    local_rows: Sequence[ReadRow],
    remote_rows: Sequence[ReadRow],
    rules: Sequence[FieldRule],
    scope: ReadScope,
) -> Judgement | None:
    """Return the verdict on all records of a key; None if none of them exists any more.

    *unsettled*: a record changed after the run began, or a delivery about it is in flight; the
    next run judges it. *unproven*: a record was not read on one side, and that side was not read
    completely.
    """
    if (
        len(local_rows) == 1 == len(remote_rows)
        and not local_rows[0].round
        and not remote_rows[0].round
        and _is_equal(local_rows[0].body, remote_rows[0].body)
    ):
        return Judgement(EQUAL)
    local = _select_current(local_rows, scope.superseded[True])
    remote = _select_current(remote_rows, scope.superseded[False])
    judgement = _judge_current(key, local, remote, rules, scope)
    if judgement is None or judgement.outcome == EQUAL:
        return judgement
    if _is_in_motion(key, [*local, *remote], scope):
        return Judgement(UNSETTLED)
    return judgement


def _is_equal(local_body: bytes, remote_body: bytes) -> bool:
    line = compared_line(local_body)
    return line == compared_line(remote_body) and line != b"-"


def hash_record_id(record_id: str) -> int:
    """Return a number for a record id, within one process."""
    return hash(record_id)


def _select_current(
    rows: Sequence[ReadRow], superseded: AbstractCollection[int]
) -> list[StagedValues]:
    """Return each record as it was read last, deleted ones included.

    A row of the first read whose record was read again under another key does not count.
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


def _judge_current(
    key: bytes,
    local: Sequence[StagedValues],
    remote: Sequence[StagedValues],
    rules: Sequence[FieldRule],
    scope: ReadScope,
) -> Judgement | None:
    living_local = [values for values in local if not values.is_deleted]
    living_remote = [values for values in remote if not values.is_deleted]
    if not living_local and not living_remote:
        return None
    name = decode_key(key)
    if is_unmatched(key):
        return Judgement("found", [_describe_unmatched(name, living_local, living_remote, scope)])
    if len(living_local) > 1 or len(living_remote) > 1:
        return Judgement("found", [_describe_ambiguous(name, living_local, living_remote)])
    if not living_local:
        is_proven = scope.proves_missing_here or bool(local)
        return _judge_missing(name, "missing_here", None, living_remote[0], bool(local), is_proven)
    if not living_remote:
        is_proven = scope.proves_missing_there or bool(remote)
        return _judge_missing(name, "missing_there", living_local[0], None, bool(remote), is_proven)
    findings = _compare_fields(name, living_local[0], living_remote[0], rules)
    return Judgement("found", findings) if findings else Judgement(EQUAL)


def _judge_missing(
    name: str,
    verdict: str,
    local: StagedValues | None,
    remote: StagedValues | None,
    was_deleted: bool,
    is_proven: bool,
) -> Judgement:
    if not is_proven:
        return Judgement(UNPROVEN)
    reason = ""
    if was_deleted:
        reason = "deleted_here" if verdict == "missing_here" else "deleted_there"
    finding = Finding(
        name,
        "",
        verdict,
        reason,
        local=local,
        remote=remote,
        local_value=_describe_record(local),
        remote_value=_describe_record(remote),
    )
    return Judgement("found", [finding])


def _describe_record(values: StagedValues | None) -> Any:
    return make_storable(list(values.raw)) if values else None


def _describe_unmatched(
    name: str,
    local: Sequence[StagedValues],
    remote: Sequence[StagedValues],
    scope: ReadScope,
) -> Finding:
    reason = "identity_missing" if scope.matches_by_identity else "without_key"
    ours, theirs = next(iter(local), None), next(iter(remote), None)
    return Finding(
        name,
        "",
        "unmapped",
        reason,
        local=ours,
        remote=theirs,
        local_value=_describe_record(ours),
        remote_value=_describe_record(theirs),
    )


def _describe_ambiguous(
    name: str, local: Sequence[StagedValues], remote: Sequence[StagedValues]
) -> Finding:
    return Finding(
        name,
        "",
        "ambiguous",
        "duplicate_key",
        local=local[0] if len(local) == 1 else None,
        remote=remote[0] if len(remote) == 1 else None,
        local_value=make_storable([values.record_id for values in local[:IDS_SHOWN]]),
        remote_value=make_storable([values.record_id for values in remote[:IDS_SHOWN]]),
    )


def _compare_fields(
    name: str, local: StagedValues, remote: StagedValues, rules: Sequence[FieldRule]
) -> list[Finding]:
    findings = []
    for index, rule in enumerate(rules):
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
    """Return why two values cannot be compared; empty if they can."""
    for value in (ours, theirs):
        if is_unconverted(value):
            assert isinstance(value, list)
            return str(value[1])
    return ""


def _is_in_motion(key: bytes, values: Sequence[StagedValues], scope: ReadScope) -> bool:
    if any(entry.changed_at and entry.changed_at >= scope.began_at for entry in values):
        return True
    names = [decode_key(key), *(entry.record_id for entry in values)]
    return scope.texts_in_flight.has_any(names)
