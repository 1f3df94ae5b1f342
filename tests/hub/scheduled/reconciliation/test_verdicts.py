"""Verdicts on the records of one key, and the merge that groups them."""

from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.scheduled.reconciliation.changes_in_flight import InFlightTexts, iterate_texts
from hub.scheduled.reconciliation.options import FieldRule, Limits
from hub.scheduled.reconciliation.result import is_over_limits
from hub.scheduled.reconciliation.values.record_keys import encode_unmatched
from hub.scheduled.reconciliation.values.staged_values import StagedValues, encode_staged
from hub.scheduled.reconciliation.verdicts.judge import (
    ReadCoverage,
    ReadRow,
    hash_record_id,
    judge_records,
)
from hub.scheduled.reconciliation.verdicts.merge import cut_chunk, group_by_key

BEGAN = datetime(2026, 11, 25, 2, tzinfo=UTC)
BEFORE, AFTER = BEGAN - timedelta(hours=1), BEGAN + timedelta(seconds=1)
RULES = (FieldRule("status", "status", "Status__c"), FieldRule("total", "total", "Total__c"))
FULL = {"proves_missing_here": True, "proves_missing_there": True}


def row(id, values=("open", "12.5"), *, round=0, at=BEFORE, key=b"A-1"):
    staged = StagedValues(id, list(values), list(values), "v1", at)
    return ReadRow(key, round, encode_staged(staged))


def tombstone(id, *, round=0, at=BEFORE):
    return row(id, (), round=round, at=at)


def scope(superseded=((), ()), **options):
    local, remote = ({hash_record_id(id) for id in ids} for ids in superseded)
    return ReadCoverage(
        BEGAN, **{**FULL, **options}, superseded_hashes={True: local, False: remote}
    )


def judge(local, remote, key=b"A-1", **options):
    judgement = judge_records(key, local, remote, RULES, scope(**options))
    return judgement and (
        judgement.outcome,
        [(f.field or f.verdict, f.reason) for f in judgement.findings],
    )


def test_equal_records_are_equal():
    assert judge([row("1")], [row("a")]) == ("equal", [])


def test_each_field_that_differs_is_found():
    verdicts = judge([row("1")], [row("a", ("closed", "13"))])
    assert verdicts == ("found", [("status", ""), ("total", "")])


def test_a_value_without_counterpart_is_unmapped():
    local = row("1", (["!", "picklist_value_unmapped", "lost"], "12.5"))
    assert judge([local], [row("a")]) == ("found", [("status", "picklist_value_unmapped")])


def test_a_record_of_one_side_is_missing_on_the_other():
    assert judge([row("1")], []) == ("found", [("missing_there", "")])
    assert judge([], [row("a")]) == ("found", [("missing_here", "")])


def test_an_incomplete_read_never_gives_missing():
    assert judge([row("1")], [], proves_missing_there=False) == ("unproven", [])
    assert judge([], [row("a")], proves_missing_here=False) == ("unproven", [])


@pytest.mark.corrections(item="1.4")
def test_a_tombstone_of_one_record_proves_nothing_about_its_key():
    incomplete = {"proves_missing_here": False, "proves_missing_there": False}
    assert judge([row("1")], [tombstone("a")], **incomplete) == ("unproven", [])
    assert judge([tombstone("1")], [row("a")], **incomplete) == ("unproven", [])


@pytest.mark.parametrize("proof", ["has_all_there", "matches_by_identity"])
def test_a_tombstone_of_the_last_record_of_a_key_proves_that_it_was_deleted(proof):
    verdicts = judge([row("1")], [tombstone("a")], proves_missing_there=False, **{proof: True})
    assert verdicts == ("found", [("missing_there", "deleted_there")])
    assert judge([row("1")], [], proves_missing_there=False, **{proof: True}) == ("unproven", [])


def test_records_that_are_deleted_on_both_sides_are_nothing():
    assert judge([tombstone("1")], [tombstone("a")]) is None
    assert judge([tombstone("1")], []) is None


def test_duplicate_keys_are_ambiguous_but_one_record_read_twice_is_not():
    assert judge([row("1"), row("2")], [row("a")]) == ("found", [("ambiguous", "duplicate_key")])
    assert judge([row("1"), row("1")], [row("a")]) == ("equal", [])


def test_a_later_read_of_a_record_counts():
    local = [row("1", ("old", "1")), row("1", round=1, at=AFTER)]
    assert judge(local, [row("a")], superseded=(["1"], [])) == ("equal", [])


def test_a_record_that_moved_to_another_key_does_not_count_under_the_old_one():
    assert judge([row("1")], [], superseded=(["1"], [])) is None


@pytest.mark.parametrize("side", ["local", "remote"])
def test_what_changed_since_the_run_began_is_left_to_the_next_run(side):
    local = [row("1", at=AFTER if side == "local" else BEFORE)]
    remote = [row("a", ("closed", "1"), at=AFTER if side == "remote" else BEFORE)]
    assert judge(local, remote) == ("unsettled", [])


def test_what_a_delivery_in_flight_names_is_left_to_the_next_run():
    texts = InFlightTexts({hash(text) for text in iterate_texts(b'{"data": {"id": ["a"]}}')})
    verdicts = judge([row("1")], [row("a", ("closed", "1"))], in_flight_texts=texts)
    assert verdicts == ("unsettled", [])


def test_a_delivery_in_flight_names_integers_of_any_size():
    number = 123456789012345678901234567890
    assert list(iterate_texts(b'{"data": {"id": %d}}' % number)) == [str(number)]


def test_too_many_deliveries_in_flight_leave_every_difference_to_the_next_run():
    texts = InFlightTexts(set(), is_truncated=True)
    assert judge([row("1")], [], in_flight_texts=texts) == ("unsettled", [])


def test_a_record_without_a_key_is_unmapped():
    key = encode_unmatched("1", is_local=True)
    assert judge([row("1")], [], key=key) == ("found", [("unmapped", "without_key")])


@pytest.mark.parametrize(
    ("changes", "records", "exceeds"),
    [(10, 100, False), (11, 100, True), (500, 100_000, False), (501, 100_000, True), (0, 0, False)],
)
def test_more_changes_than_a_share_or_a_number_need_a_person(changes, records, exceeds):
    assert is_over_limits(changes, records, Limits(0.1, 500)) is exceeds


# --- the merge ------------------------------------------------------------------------------------

KEYS = st.lists(st.binary(max_size=2), max_size=30).map(sorted)


def merge_in_chunks(local, remote, size):
    """Return what a merge that remembers one key only yields."""
    after, groups = None, []
    while True:
        slices = [
            [row for row in rows if after is None or row.key > after][:size]
            for rows in (local, remote)
        ]
        chunk = cut_chunk(*slices, size=size)
        groups.append(list(group_by_key(chunk)))
        if chunk.until is None:
            return list(chain.from_iterable(groups))
        after = chunk.until


@given(KEYS, KEYS, st.integers(1, 7))
def test_a_merge_in_chunks_finds_each_key_once_with_all_its_rows(local, remote, size):
    rows = [[ReadRow(key, 0, b"") for key in keys] for keys in (local, remote)]
    groups = merge_in_chunks(*rows, size)
    assert [group.key for group in groups] == sorted({*local, *remote})
    for group in groups:
        for found, keys in ((group.local, local), (group.remote, remote)):
            assert min(len(found), size) == min(keys.count(group.key), size)


# --- against a plain model ------------------------------------------------------------------------

KEY_NAMES = st.sampled_from([b"a", b"b", b"c", b"d"])
RECORD = st.tuples(KEY_NAMES, st.sampled_from(["x", "y"]), st.booleans())  # key, value, deleted
SIDE = st.dictionaries(st.integers(0, 9), RECORD, max_size=8)  # by record id


def stage(records):
    rows = [
        row(str(id), () if deleted else (value, "1"), key=key)
        for id, (key, value, deleted) in records.items()
    ]
    return sorted(rows, key=lambda row: row.key)


def expect(local, remote):
    """Return the findings of a comparison, by the definition of the verdicts."""
    expected = set()
    for key in {key for side in (local, remote) for key, _value, _deleted in side.values()}:
        ours, theirs = (
            [value for name, value, deleted in side.values() if name == key and not deleted]
            for side in (local, remote)
        )
        if len(ours) > 1 or len(theirs) > 1:
            expected.add((key.decode(), "", "ambiguous"))
        elif ours and not theirs:
            expected.add((key.decode(), "", "missing_there"))
        elif theirs and not ours:
            expected.add((key.decode(), "", "missing_here"))
        elif ours != theirs:
            expected.add((key.decode(), "status", "differs"))
    return expected


@given(SIDE, SIDE, st.integers(1, 9))
def test_a_comparison_in_chunks_finds_what_the_definition_says(local, remote, size):
    found = set()
    for group in merge_in_chunks(stage(local), stage(remote), size):
        if max(len(group.local), len(group.remote)) >= size > 1:
            return  # a key with more rows than a chunk is cut
        judgement = judge_records(group.key, group.local, group.remote, RULES, scope())
        findings = judgement.findings if judgement else ()
        found |= {(entry.record_key, entry.field, entry.verdict) for entry in findings}
    if size > 1:
        assert found == expect(local, remote)
