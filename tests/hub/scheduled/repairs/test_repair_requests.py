"""The writes of repairs: which action, which record, which values, under which condition."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.registry import CONNECTORS
from hub.scheduled.models import Discrepancy
from hub.scheduled.reconciliation.options import FieldRule, parse_reconcile_options
from hub.scheduled.reconciliation.values.converters import convert_local, convert_remote
from hub.scheduled.repairs.repair_requests import build_repair, set_path
from hub.scheduled.repairs.repair_values import (
    ReferencePairs,
    RepairRefused,
    convert_to_local,
    convert_to_remote,
)

PAIRS = ReferencePairs({("user", "u-1"): "31"})
OPTIONS = {
    "local": {"collection": "orders"},
    "remote": {"collection": "records", "query": {"object": "Order__c", "fields": "Id"}},
    "match": {"local": "number", "remote": "Number__c"},
    "fields": [
        {"name": "status", "local": "state", "remote": "Status__c"},
        {"name": "total", "local": "total", "remote": "Total__c", "type": "decimal"},
        {"name": "city", "local": "address.city", "remote": "upper(City__c)"},
    ],
    "repair": {"local_action": "update_order", "remote_action": "update_record"},
}


def rule(type="text", **options):
    return FieldRule("field", "a", "b", type, **options)


def differs(field="status", ours="open", theirs="won", pk=1):
    return Discrepancy(
        pk=pk,
        record_key="A-1",
        field=field,
        verdict="differs",
        local_id="A-1",
        remote_id="a01000000000001AAA",
        local_value=ours,
        remote_value=theirs,
        local_version='"3"',
        remote_version="2026-11-25T12:00:00.000+0000",
    )


def missing(verdict, **values):
    side = "local_value" if verdict == "missing_there" else "remote_value"
    return Discrepancy(pk=1, record_key="A-1", verdict=verdict, **{side: values})


def build(side, *discrepancies, **options):
    connector = CONNECTORS["app" if side == "local" else "salesforce"]
    parsed = parse_reconcile_options({**OPTIONS, **options})
    return build_repair(discrepancies, side, parsed, connector, PAIRS)


def test_an_update_of_salesforce_has_the_time_of_the_compared_version():
    request = build("remote", differs())
    assert request.action.key == "update_record"
    assert request.input == {
        "object": "Order__c",
        "record_id": "a01000000000001AAA",
        "fields": {"Status__c": "open"},
        "unmodified_since": "2026-11-25T12:00:00.000+0000",
    }
    assert request.replaced_values == {1: "won"}


def test_an_update_of_our_application_has_the_compared_version():
    request = build("local", differs(), differs("total", "12.50", 13, pk=2))
    assert request.input == {
        "number": "A-1",
        "fields": {"state": "won", "total": "13"},
        "if_match": '"3"',
    }
    assert request.replaced_values == {1: "open", 2: "12.50"}


def test_a_missing_record_is_created_by_its_key():
    there = build("remote", missing("missing_there", status="open", total="1.50"))
    assert there.action.key == "create"
    assert there.input == {
        "object": "Order__c",
        "fields": {"Number__c": "A-1", "Status__c": "open", "Total__c": 1.5},
    }
    here = build("local", missing("missing_here", status="won", total=2, city="BERLIN"))
    assert here.action.key == "create_order"
    assert here.input["number"] == "A-1"
    assert here.input["fields"]["address"] == {"city": "BERLIN"}


@pytest.mark.parametrize(
    ("side", "discrepancy", "options", "reason"),
    [
        ("remote", differs("city"), {}, "target_is_an_expression"),
        ("remote", differs("gone"), {}, "field_not_compared"),
        ("remote", differs(), {"repair": {}}, "no_repair_action"),
        ("remote", differs("total", "abc"), {}, "not_convertible"),
        ("remote", differs(ours={"value_too_large": 9}), {}, "value_too_large"),
        (
            "remote",
            missing("missing_there"),
            {"match": {"local": "a", "remote": "upper(b)"}},
            "key_is_an_expression",
        ),
    ],
)
def test_a_repair_that_is_not_possible_says_why(side, discrepancy, options, reason):
    with pytest.raises(RepairRefused) as refused:
        build(side, discrepancy, **options)
    assert refused.value.reason == reason


def test_a_record_that_was_deleted_is_not_created_again():
    discrepancy = missing("missing_there", status="open")
    discrepancy.reason = "deleted_there"
    with pytest.raises(RepairRefused, match="deleted_there"):
        build("remote", discrepancy)


@pytest.mark.parametrize(
    ("type", "ours", "present", "written"),
    [
        ("text", " Ann ", "x", " Ann "),
        ("text", None, "x", None),
        ("decimal", "12.50", 13, 12.5),
        ("decimal", 12.5, "13.00", "12.5"),
        ("decimal", "0.1234567890123456789", 1, Decimal("0.1234567890123456789")),
        ("integer", "7", 8, 7),
        ("boolean", "yes", False, True),
        ("datetime", "2026-11-25T13:00:00+01:00", None, "2026-11-25T12:00:00Z"),
        ("date", "2026-11-25", None, "2026-11-25"),
    ],
)
def test_a_value_is_written_as_the_other_side_stores_it(type, ours, present, written):
    assert convert_to_remote(ours, present, rule(type), PAIRS) == written


def test_picklist_values_and_references_are_translated_both_ways():
    picklist = rule("picklist", values={"paid": "Closed Won", "settled": "Closed Won"})
    assert convert_to_remote("paid", None, picklist, PAIRS) == "Closed Won"
    assert convert_to_local("Closed Won", None, picklist, PAIRS) == "paid"
    reference = rule("reference", identity="user")
    assert convert_to_remote("u-1", None, reference, PAIRS) == "31"
    assert convert_to_local(31, None, reference, PAIRS) == "u-1"
    with pytest.raises(RepairRefused, match="32"):
        convert_to_local(32, None, reference, PAIRS)


VALUES = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=10)
VALUES |= st.floats(-1e9, 1e9)


@given(st.sampled_from(["text", "integer", "decimal", "boolean", "datetime", "date"]), VALUES)
def test_what_is_written_equals_what_it_was_written_for(type, value):
    field = rule(type)
    try:
        written = convert_to_remote(value, None, field, PAIRS)
    except RepairRefused:
        return
    assert convert_remote(written, field) == convert_local(value, field, {})


def test_nested_fields_share_their_objects():
    fields = {}
    set_path(fields, ("address", "city"), "Berlin")
    set_path(fields, ("address", "zip"), "1")
    assert fields == {"address": {"city": "Berlin", "zip": "1"}}
