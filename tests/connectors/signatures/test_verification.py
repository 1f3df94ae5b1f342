"""Hostile signatures are rejected with their exact cause, and none raises."""

import base64
from dataclasses import replace

import pytest

from connectors.signatures import CAUSE_SENTENCES, Cause, Secret, verify
from tests.connectors.signatures.cases import MALFORMED, cause_of
from tests.connectors.signatures.requests import (
    ALL,
    FORMS,
    NOW,
    OTHER_TEXT_SECRET,
    SIGNED,
    replace_header,
)

all_cases = pytest.mark.parametrize("case", ALL.values(), ids=ALL)
signed_cases = pytest.mark.parametrize("case", (SIGNED | FORMS).values(), ids=SIGNED | FORMS)


def test_every_cause_has_a_sentence():
    assert set(CAUSE_SENTENCES) == set(Cause)
    assert all(cause.sentence.endswith(".") for cause in Cause)


@all_cases
def test_an_authentic_request_is_accepted_and_names_its_secret(case):
    verdict = verify(case.scheme, case.request, [case.secret], NOW)
    assert verdict.is_valid and verdict.cause is None and verdict.secret_index == 0


@all_cases
def test_the_names_of_headers_have_no_case(case):
    headers = tuple((name.swapcase(), value) for name, value in case.request.headers)
    assert verify(case.scheme, replace(case.request, headers=headers), [case.secret], NOW).is_valid


@all_cases
def test_nothing_is_authentic_without_a_usable_secret(case):
    assert verify(case.scheme, case.request, [], NOW).cause == Cause.NO_SECRET
    key_id = case.secret.id
    for value in ("", " ", "\n", "None", "null", "\x00", "\ud800" * 20, " " * 40):
        cause = cause_of(case.scheme, case.request, Secret(value, key_id))
        assert cause == Cause.UNUSABLE_SECRET


@all_cases
def test_another_secret_authenticates_nothing(case):
    other = {
        "whsec_": Secret("whsec_" + base64.b64encode(b"x" * 24).decode()),
        "basic": Secret("hub:" + OTHER_TEXT_SECRET.value),
    }
    secret = replace(OTHER_TEXT_SECRET, id=case.secret.id)
    if case.secret.value.startswith("whsec_"):
        secret = other["whsec_"]
    if getattr(case.scheme, "secret_encoding", "") == "hex":
        secret = Secret("ab" * 32)
    assert cause_of(case.scheme, case.request, secret) == Cause.WRONG_SECRET


@all_cases
def test_during_a_rotation_the_old_and_the_new_secret_are_valid_and_then_only_the_new(case):
    new = Secret("ab" * 32, id=case.secret.id)
    assert verify(case.scheme, case.request, [new, case.secret], NOW).secret_index == 1
    assert not verify(case.scheme, case.request, [new], NOW).is_valid


@all_cases
def test_an_unusable_secret_beside_a_good_one_changes_nothing(case):
    secrets = [Secret("", case.secret.id), case.secret]
    assert verify(case.scheme, case.request, secrets, NOW).secret_index == 1


@all_cases
@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "post", "", "POST\r\n", "\ud800"])
def test_another_method_is_rejected(case, method):
    request = replace(case.request, method=method)
    assert cause_of(case.scheme, request, case.secret) == Cause.WRONG_METHOD


@all_cases
def test_a_body_that_is_too_large_is_rejected_before_it_is_hashed(case):
    request = replace(case.request, body=b"x" * (case.scheme.body_bytes_max + 1))
    assert cause_of(case.scheme, request, case.secret) == Cause.BODY_TOO_LARGE


@signed_cases
def test_a_missing_or_empty_header_is_missing(case):
    for name, _ in case.request.headers:
        if name == "Content-Type":
            continue
        for values in ((), ("",), (" \t",), ("", "")):
            request = replace_header(case.request, name, *values)
            assert cause_of(case.scheme, request, case.secret) == Cause.MISSING_HEADER


@signed_cases
@pytest.mark.parametrize("join", [None, ",", ", "])
def test_a_repeated_header_is_malformed_in_either_order(case, join):
    """A server may hand over both values or join them with a comma."""
    for name, value in case.request.headers:
        if name == "Content-Type":
            continue
        for values in ([value, value], ["bad" + value[3:], value], [value, "bad" + value[3:]]):
            values = values if join is None else [join.join(values)]
            request = replace_header(case.request, name, *values)
            cause = cause_of(case.scheme, request, case.secret)
            assert cause in MALFORMED, (name, values, cause)


HOSTILE_VALUES = [
    "sha256=",
    "none",
    "v0=",
    "v1,",
    "v1=",
    "=",
    ",",
    ";",
    "\x00",
    "\xff" * 64,
    "ü" * 64,
    "\ud800",
    "\u202e" + "0" * 64,
    "٣" * 64,
    "0" * 100_000,
    "v1," * 1000,
    "t=,v1=",
    "a\r\nX-Other: b",
]


@signed_cases
@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=repr)
def test_a_hostile_value_of_any_header_is_malformed(case, value):
    for name, _ in case.request.headers:
        if name == "Content-Type":
            continue
        verdict = verify(case.scheme, replace_header(case.request, name, value), [case.secret], NOW)
        assert not verdict.is_valid
        # a name such as "none" may be another id: then the signature does not match
        assert verdict.cause in MALFORMED | {Cause.WRONG_SECRET, Cause.UNKNOWN_KEY_ID}
