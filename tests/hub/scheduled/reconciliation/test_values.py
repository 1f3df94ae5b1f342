"""Values of both sides, as they are converted and keyed."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http import Response
from hub.db.storable import make_storable
from hub.scheduled.reconciliation.options import FieldRule
from hub.scheduled.reconciliation.values.converters import (
    convert_local,
    convert_remote,
    is_unconverted,
)
from hub.scheduled.reconciliation.values.record_keys import (
    KEY_MAX_LENGTH,
    encode_key,
    encode_unmatched,
    format_key,
)
from hub.scheduled.reconciliation.values.staged_values import (
    StagedValues,
    decode_staged,
    encode_staged,
    is_truncated,
    limit_value,
    read_canonical_line,
)

TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # also lone surrogates


def json_values(numbers):
    return st.recursive(
        st.none() | st.booleans() | st.integers() | numbers | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=8,
    )


JSON = json_values(st.floats())
FINITE_JSON = json_values(st.floats(allow_nan=False, allow_infinity=False))
TYPES = ("text", "integer", "decimal", "boolean", "datetime", "date", "picklist", "reference")


def rule(type="text", **options):
    return FieldRule("field", "a", "b", type, **options)


def are_equal(ours, theirs, type, **options):
    field = rule(type, **options)
    return convert_local(ours, field, {}) == convert_remote(theirs, field)


@pytest.mark.parametrize(
    ("type", "ours", "theirs"),
    [
        ("text", " Ann ", "Ann"),
        ("text", None, ""),
        ("text", "   ", None),
        ("text", "a\r\nb", "a\nb"),
        ("text", "Zoe\u0308", "Zo\u00eb"),
        ("text", 17, "17"),
        ("text", 17.0, "17"),
        ("integer", 7, "7"),
        ("integer", "7.0", 7),
        ("integer", "1,000", 1000),
        ("decimal", "12.50", 12.5),
        ("decimal", "012.500", 12.5),
        ("decimal", 0.1 + 0.2, "0.30000000000000004"),
        ("decimal", "1e3", 1000),
        ("decimal", "-0.00", 0),
        ("decimal", "12.50 EUR", "EUR 12.5"),
        ("decimal", {"amount": "12.50", "currency": "eur"}, "12.5 EUR"),
        ("decimal", "", None),
        ("boolean", True, "true"),
        ("boolean", "No", False),
        ("boolean", 1, True),
        ("datetime", "2026-11-25T12:00:00+01:00", "2026-11-25T11:00:00.000+0000"),
        ("datetime", "2026-11-25T12:00:00.400Z", "2026-11-25T12:00:00Z"),
        ("datetime", 1764072000, "2025-11-25T12:00:00Z"),
        ("datetime", 1764072000000, "2025-11-25T12:00:00Z"),
        ("date", "2026-11-25", "2026-11-25T23:59:00Z"),
        ("picklist", "a", "a "),
    ],
)
def test_values_that_mean_the_same_are_equal(type, ours, theirs):
    assert are_equal(ours, theirs, type)


@pytest.mark.parametrize(
    ("type", "ours", "theirs"),
    [
        ("text", "Ann", "ann"),
        ("text", "a  b", "a b"),
        ("text", "0", None),
        ("text", False, None),
        ("decimal", "12.50 EUR", "12.50 USD"),
        ("decimal", 0.1 + 0.2, "0.3"),
        ("decimal", 0, None),
        ("decimal", "abc", 0),
        ("decimal", "NaN", "Infinity"),
        ("integer", 7.5, 7),
        ("boolean", None, False),
        ("datetime", "2026-11-25T12:00:00+01:00", "2026-11-25T12:00:00Z"),
        ("date", "yesterday", "2026-11-25"),
    ],
)
def test_values_that_mean_different_things_differ(type, ours, theirs):
    assert not are_equal(ours, theirs, type)


def test_a_time_without_an_offset_and_a_date_are_in_the_zone_of_the_field():
    assert are_equal("2026-11-25 00:30", "2026-11-24T23:30:00Z", "datetime", zone="Europe/Berlin")
    assert are_equal("2026-11-25", "2026-11-24T23:30:00Z", "date", zone="Europe/Berlin")


def test_case_is_ignored_where_the_field_says_so():
    assert are_equal("STRASSE", "straße", "text", ignore_case=True)


def test_picklist_values_are_mapped_and_others_are_not_mapped():
    field = rule("picklist", values={"paid": "Closed Won"})
    assert convert_local("paid", field, {}) == convert_remote("Closed Won", field)
    assert is_unconverted(convert_local("lost", field, {}))
    assert convert_local(None, field, {}) is None


def test_references_are_compared_by_their_id():
    field = rule("reference", identity="user")
    assert convert_local(7, field, {("user", "7"): "005A"}) == convert_remote("005A", field)
    assert is_unconverted(convert_local(8, field, {("user", "7"): "005A"}))


@given(st.sampled_from(TYPES), JSON)
def test_every_value_is_converted_and_staged(type, value):
    field = rule(type, identity="user")
    for canonical in (convert_local(value, field, {}), convert_remote(value, field)):
        staged = StagedValues("1", [canonical], [limit_value(value)])
        assert not decode_staged(encode_staged(staged)).is_deleted


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
    )
)
def test_a_decimal_equals_itself_however_it_is_written(number):
    texts = {str(number), f"{number:f}", f"{number:+f}", f" {number:f}000 ", f"{number:,f}"}
    field = rule("decimal")
    assert len({convert_remote(text, field) for text in texts}) == 1
    assert Decimal(convert_remote(str(number), field)) == number


@pytest.mark.corrections(item="1.5")
@given(st.integers(10**17, 10**18 - 1), st.integers(0, 17), st.integers(-1, 1))
def test_amounts_of_18_digits_are_equal_if_all_their_digits_are(digits, places, step):
    first, second = Decimal(digits).scaleb(-places), Decimal(digits + step).scaleb(-places)
    raw = b'{"number": %b, "text": "%b"}' % (f"{first:f}".encode(), f"{second:f}".encode())
    record = Response(200, raw).json()
    assert are_equal(record["number"], record["text"], "decimal") is (step == 0)


@given(FINITE_JSON, FINITE_JSON)
def test_equal_lines_are_equal_values(first, second):
    lines = [
        read_canonical_line(
            encode_staged(StagedValues(id, [convert_remote(value, rule())], [value]))
        )
        for id, value in (("1", first), ("2", second))
    ]
    same = convert_remote(first, rule()) == convert_remote(second, rule())
    assert (lines[0] == lines[1]) is same


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=300))
def test_every_key_can_be_stored_and_sorted(text):
    key = format_key(text)
    assert len(key) <= KEY_MAX_LENGTH
    assert "\0" not in key
    assert encode_key(key) < encode_unmatched("1", is_local=True)


def test_keys_of_one_number_are_one_key_and_long_ones_stay_apart():
    assert format_key(17) == format_key(17.0) == format_key(" 17 ") == "17"
    long = "x" * 300
    assert format_key(long) == format_key(f" {long}") != format_key(f"{long}y")
    assert format_key(None) == format_key("  ") == format_key([]) == ""
    assert format_key(float("nan")) == ""


def test_a_very_large_value_is_kept_as_an_excerpt():
    assert is_truncated(limit_value("x" * 100_000))
    assert not is_truncated(limit_value("x" * 100))


@given(JSON)
def test_what_databases_refuse_is_replaced(value):
    text = json.dumps(make_storable(value), ensure_ascii=False)
    assert "\\u0000" not in text
    text.encode()  # no lone surrogates


@given(TEXT)
def test_a_record_with_any_text_is_staged_and_read_back(text):
    staged = StagedValues("1", [convert_remote(text, rule())], [limit_value(text)])
    assert decode_staged(encode_staged(staged)) == staged
