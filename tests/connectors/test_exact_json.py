"""Numbers of JSON that no parser of 64-bit numbers rounds."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http import Response, dump_checked_json, dump_json, load_exact_json, load_json

INTEGERS = st.integers(-(2**70), 2**70) | st.integers()


@given(INTEGERS)
def test_no_integer_is_rounded(number):
    value = load_exact_json(b'{"a": %d}' % number)["a"]
    assert str(value) == str(number)
    assert isinstance(value, int) is (-(2**63) <= number < 2**64)


@given(st.decimals(min_value=-(10**30), max_value=10**30), st.sampled_from(["", " ", "[1]"]))
def test_no_decimal_is_rounded(number, text):
    raw = json.dumps({"text": text, "a": 0}).replace("0", f"{number:f}").encode()
    value = load_exact_json(raw)["a"]
    assert Decimal(str(value)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_a_float_holds_stays_a_number(number):
    value = load_exact_json(json.dumps([number]).encode())[0]
    assert (type(value), value) == (float, number)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"19.99", 19.99),
        (b"-0.1", -0.1),
        (b"1e5", 1e5),
        (b"0.1234567890123456789", Decimal("0.1234567890123456789")),
        (b"9007199254740993.0", Decimal("9007199254740993.0")),
        (b"0." + b"1" * 35, "0." + "1" * 35),
        (b"1e400", "1e400"),
        (b"1E-400", "1E-400"),
        (b"1e-99999999999999999999999", "1e-99999999999999999999999"),
        (b"18446744073709551615", 2**64 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"18446744073709551616", "18446744073709551616"),
        (b"1" * 5000, "1" * 5000),
        (b'"1700000000.1234567890"', "1700000000.1234567890"),
    ],
)
def test_a_number_that_no_float_holds_is_a_decimal_or_a_text_with_its_digits(raw, value):
    parsed = load_exact_json(raw)
    assert (type(parsed), parsed) == (type(value), value)


@pytest.mark.parametrize(
    "raw",
    [
        b"[1e5, NaN]",
        b"[1e5, Infinity]",
        b'["\\ud800", 1e5]',
        b"[1e5, '\xff']",
        b"[" * 5000 + b"1e5" + b"]" * 5000,
        b"[1e5,]",
        b"\xef\xbb\xbf[1e5]",
        b"01234567890123456789",
    ],
)
def test_what_is_no_json_is_refused_as_by_the_other_parser(raw):
    with pytest.raises(ValueError):
        load_exact_json(raw)


@pytest.mark.corrections(item="1.5")
@given(st.decimals(min_value=-(10**18), max_value=10**18, places=4))
@pytest.mark.parametrize("text", [b"a", rb"\ud800"])
def test_a_decimal_from_a_system_is_written_to_another_with_the_same_digits(text, number):
    record = Response(200, b'{"text": "%b", "a": %b}' % (text, f"{number:f}".encode())).json()
    for written in (dump_json(record), dump_checked_json(record)):
        (digits,) = (json.loads(written, parse_float=str, parse_int=str)["a"],)
        assert Decimal(digits) == number
        assert load_json(written) == record
