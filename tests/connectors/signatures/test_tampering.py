"""Whatever is changed in a signed request rejects it, and no input raises."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.signatures import PRESETS, Secret, WebhookRequest, verify
from connectors.webhook_request import decode_form
from tests.connectors.signatures.requests import (
    ALL,
    FORMS,
    NOW,
    SHARED,
    SIGNED,
    TEXT_SECRET,
    replace_header,
)

signed_cases = st.sampled_from(sorted(SIGNED)).map(SIGNED.get)
all_cases = st.sampled_from(sorted(ALL)).map(ALL.get)
characters = st.characters(max_codepoint=0x2FFF)  # surrogates included


def flip_byte(data, content: bytes) -> bytes:
    position = data.draw(st.integers(0, len(content) - 1))
    mask = data.draw(st.integers(1, 255))
    return content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :]


@settings(deadline=None, max_examples=400)
@given(data=st.data(), case=signed_cases)
def test_one_changed_byte_of_the_body_rejects(data, case):
    request = replace(case.request, body=flip_byte(data, case.request.body))
    assert not verify(case.scheme, request, [case.secret], NOW).is_valid


@settings(deadline=None, max_examples=800)
@given(data=st.data(), case=st.sampled_from(sorted(SIGNED | FORMS)).map((SIGNED | FORMS).get))
def test_one_changed_byte_of_a_signature_an_id_or_a_timestamp_rejects(data, case):
    headers = [header for header in case.request.headers if header[0] != "Content-Type"]
    name, value = data.draw(st.sampled_from(headers))
    changed = flip_byte(data, value.encode("latin-1")).decode("latin-1")
    request = replace_header(case.request, name, changed)
    assert not verify(case.scheme, request, [case.secret], NOW).is_valid


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_one_changed_byte_of_a_form_rejects_unless_the_fields_stay_the_same(data):
    """Twilio signs the fields, not the bytes: `+` and `%20` are the same."""
    case = FORMS["twilio"]
    body = flip_byte(data, case.request.body)
    is_same = sorted(decode_form(body)) == sorted(decode_form(case.request.body))
    verdict = verify(case.scheme, replace(case.request, body=body), [case.secret], NOW)
    assert verdict.is_valid == is_same


@settings(deadline=None, max_examples=300)
@given(data=st.data(), case=st.sampled_from(sorted(SHARED)).map(SHARED.get))
def test_one_changed_byte_of_a_shared_secret_rejects(data, case):
    secret = Secret(flip_byte(data, case.secret.value.encode()).decode("latin-1"))
    assert not verify(case.scheme, case.request, [secret], NOW).is_valid


@settings(deadline=None, max_examples=500)
@given(
    case=all_cases,
    names=st.lists(st.integers(0, 3), max_size=6),
    values=st.lists(st.text(characters), min_size=6, max_size=6),
    body=st.binary(),
    texts=st.tuples(*[st.text(characters)] * 4),
    secrets=st.lists(st.text(characters)),
    now=st.floats(),
)
def test_no_input_raises_or_is_authentic(case, names, values, body, texts, secrets, now):
    known = [name for name, _ in case.request.headers] or ["X-Other"]
    headers = tuple(
        (known[index % len(known)], value) for index, value in zip(names, values, strict=False)
    )
    method, url, path, query = texts
    # a request that contains a shared secret is authentic
    unknown = [
        secret for secret in secrets if not any(secret in text for text in (*texts, *values))
    ]
    for request in (
        WebhookRequest("POST", url, body, headers, path, query),
        WebhookRequest(method, url, body, headers, path, query),
    ):
        for candidates in ([case.secret], [TEXT_SECRET, *map(Secret, unknown)]):
            assert not verify(case.scheme, request, candidates, now).is_valid


@settings(deadline=None, max_examples=300)
@given(name=st.sampled_from(sorted(PRESETS)), secrets=st.lists(st.text(characters)))
def test_no_secret_raises_or_verifies_what_another_signed(name, secrets):
    request = SIGNED.get(name, SIGNED["slack"]).request
    assert not verify(PRESETS[name], request, [*map(Secret, secrets)], NOW).is_valid


@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_a_request_without_anything_is_rejected(case):
    assert not verify(case.scheme, WebhookRequest("", ""), [case.secret], NOW).is_valid
    assert not verify(case.scheme, WebhookRequest("POST", ""), [case.secret], NOW).is_valid
