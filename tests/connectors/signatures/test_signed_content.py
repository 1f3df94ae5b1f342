"""What a signature covers: ids, keys, encodings, the URL, the method and the body."""

import base64
import hmac
from dataclasses import replace

import pytest

from connectors.signatures import STANDARD_WEBHOOKS, Cause, HmacScheme, Secret, sign, verify
from tests.connectors.signatures.cases import POST, STAMP, cause_of, github_digest
from tests.connectors.signatures.requests import (
    ALL,
    BODY,
    FORM,
    FORMS,
    HUBSPOT,
    NOW,
    OTHER_TEXT_SECRET,
    SIGNED,
    TEXT_SECRET,
    TWITCH,
    URL,
    WHSEC_SECRET,
    make_case,
    replace_header,
)


def test_an_id_cannot_move_the_boundary_of_what_is_signed():
    inner = f"{STAMP}.{{}}".encode()
    original = sign(STANDARD_WEBHOOKS, replace(POST, body=inner), [WHSEC_SECRET], NOW, "a")
    assert verify(STANDARD_WEBHOOKS, original, [WHSEC_SECRET], NOW).is_valid
    shifted = replace_header(original, "webhook-id", f"a.{STAMP}")
    shifted = replace(shifted, body=b"{}")
    assert cause_of(STANDARD_WEBHOOKS, shifted, WHSEC_SECRET) == Cause.MALFORMED_ID


def test_an_id_after_the_body_cannot_take_the_end_of_it():
    scheme = HmacScheme(header="X-Signature", signed="{body}.{id}", id_header="X-Id")
    original = sign(scheme, replace(POST, body=b"a.b"), [TEXT_SECRET], NOW, "c")
    assert verify(scheme, original, [TEXT_SECRET], NOW).is_valid
    shifted = replace(replace_header(original, "X-Id", "b.c"), body=b"a")
    assert cause_of(scheme, shifted) == Cause.MALFORMED_ID


@pytest.mark.parametrize("id", ["a b", "a,b", "é", "a\x00", "x" * 257, "\u202ea", "a\nb"])
def test_an_id_is_short_and_printable(id):
    request = replace_header(make_case(TWITCH).request, "Twitch-Eventsub-Message-Id", id)
    assert cause_of(TWITCH, request) == Cause.MALFORMED_ID


def test_a_key_id_selects_the_secret():
    case = SIGNED["key id"]
    other = Secret(OTHER_TEXT_SECRET.value, id="key-2")
    assert verify(case.scheme, case.request, [other, case.secret], NOW).secret_index == 1
    assert verify(case.scheme, case.request, [other], NOW).cause == Cause.UNKNOWN_KEY_ID
    renamed = replace_header(case.request, "X-Key-Id", "key-2")
    assert verify(case.scheme, renamed, [other, case.secret], NOW).cause == Cause.WRONG_SECRET


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_every_algorithm_and_encoding_is_that_of_the_standard_library(algorithm, encoding):
    scheme = HmacScheme(header="X-Signature", algorithm=algorithm, encoding=encoding)
    digest = hmac.new(TEXT_SECRET.value.encode(), BODY, algorithm).digest()
    value = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    request = replace(POST, headers=(("X-Signature", value),))
    assert verify(scheme, request, [TEXT_SECRET], NOW).is_valid


@pytest.mark.parametrize(
    ("encoding", "value"),
    [("hex", "zz" * 20), ("hex", "abc" * 11), ("base64", "!" * 40), ("base64", "ab-_" * 10)],
)
def test_a_secret_in_another_encoding_is_unusable(encoding, value):
    scheme = HmacScheme(header="X-Signature", secret_encoding=encoding)
    request = replace(POST, headers=(("X-Signature", "0" * 64),))
    assert cause_of(scheme, request, Secret(value)) == Cause.UNUSABLE_SECRET


def test_a_secret_is_decoded_as_its_provider_states():
    key = b"k" * 32
    values = {"text": "k" * 32, "hex": key.hex(), "base64": base64.b64encode(key).decode()}
    request = replace(POST, headers=(("X-Signature", github_digest(key=key.decode())),))
    for encoding, value in values.items():
        scheme = HmacScheme(header="X-Signature", secret_encoding=encoding)
        assert verify(scheme, request, [Secret(value)], NOW).is_valid


@pytest.mark.parametrize("url", [URL + "&x=1", URL.upper(), URL.replace("?", "/?"), "", "\ud800"])
def test_a_signed_url_is_the_registered_one(url):
    for case in (SIGNED["hubspot"], FORMS["twilio"]):
        request = replace(case.request, url=url)
        assert cause_of(case.scheme, request, case.secret) == Cause.WRONG_SECRET


def test_a_signed_method_is_the_methods_own():
    scheme = replace(HUBSPOT, methods=("POST", "PUT"))
    request = replace(SIGNED["hubspot"].request, method="PUT")
    assert cause_of(scheme, request) == Cause.WRONG_SECRET


@pytest.mark.parametrize("url", ["http://[", "http://h:99999/", "http://h:x/", "no url", "//h:80/"])
def test_a_registered_url_that_is_none_rejects(url):
    case = FORMS["twilio"]
    assert cause_of(case.scheme, replace(case.request, url=url)) == Cause.WRONG_SECRET


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((), b"a=1"),
        ((("Content-Type", "application/json"),), b'{"a":1}'),
        ((*FORM, *FORM), b"a=1"),
        (FORM, b"a=1&" * 1000),
    ],
)
def test_a_body_that_is_no_form_is_not_covered_by_a_signature_of_a_form(headers, body):
    case = FORMS["twilio"]
    signature = dict(case.request.headers)["X-Twilio-Signature"]
    request = replace(
        case.request, headers=(*headers, ("X-Twilio-Signature", signature)), body=body
    )
    assert cause_of(case.scheme, request) == Cause.UNSIGNED_BODY


def test_no_secret_and_no_content_shows_in_a_repr():
    case = ALL["path"]
    assert case.secret.value not in repr(case)
