"""No secret in what is logged, kept or shown."""

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.crypto.redaction import mask_headers, redact_all, redact_text, shorten

SECRET = 'p/4+ss "wörd"&<x>'

LOOKS_LIKE_A_SECRET = {
    "slack bot": "xoxb-123456789012-abcdefABCDEF",
    "slack rotated": "xoxe.xoxp-1-Mi0yLTEyMzQ1",
    "slack app level": "xapp-1-A0123-abcdef",
    "salesforce": "00D5g00000ABCDE!AQEAQNsomething.else_1",
    "salesforce in a URL": "00D5g00000ABCDE%21AQEAQNsomething.else_1",
    "bearer": "Bearer abc.def-ghi~jkl",
    "basic": "Basic dXNlcjpwYXNzd29yZA==",
    "splunk": "Splunk 12345678-90ab-cdef-1234-567890abcdef",
    "standard webhooks": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "our own key": "hub_live_abcd1234_0123456789abcdefghijKLMNOP",
    "json web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "query": "https://x.test/v1/users?api_token=s3cr3t-value&limit=1",
    "authorization code": "/callback?state=1&code=4/0AX4XfWh",
    "form": "grant_type=refresh_token&refresh_token=5Aep861.rest&client_secret=s3cr3t",
    "json": '{"access_token": "very\\"secret", "ok": true}',
    "json of a webhook": '{"http_auth_user": "hub", "http_auth_password": "s3cr3t-of-another"}',
    "url with a password": "postgresql://hub:s3cr3t@db/hub",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE "
    "KEY-----",
}
TELLING = (
    "abcdef",
    "Mi0y",
    "AQEA",
    "abc.def",
    "dXNl",
    "567890",
    "MfKQ",
    "01234567",
    "eyJz",
    "s3cr3t",
    "4/0A",
)
TELLING += ("5Aep", "very", "rest", "MIIE")

INNOCENT = (
    "Basic authentication is needed",
    "status code=200, Bearer error=1",
    "https://x.test/a?limit=1&cursor=abc",
    '{"token_type": "bearer", "expires_in": 3600}',
    "see http://x.test:8000/a and mail me@x.test",
    "order 00D is late; hub_lives",
)


@pytest.mark.parametrize("text", LOOKS_LIKE_A_SECRET.values(), ids=LOOKS_LIKE_A_SECRET)
def test_what_looks_like_a_secret_is_masked(text):
    redacted = redact_text(f"before {text} after")
    assert "***" in redacted
    assert redacted.startswith("before ") and redacted.endswith(" after")
    assert not [part for part in TELLING if part in redacted]


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_stays(text):
    assert redact_text(text, ["secret"]) == text


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        re.sub("%..", lambda code: code[0].lower(), quote_plus(SECRET)),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_is_masked_however_it_is_written(written):
    assert written not in redact_text(f"<{written}>", [SECRET])


@given(st.binary(max_size=9), st.text(min_size=6, max_size=40), st.binary(max_size=9))
def test_a_known_secret_is_masked_inside_base64(before, secret, after):
    text = base64.b64encode(before + secret.encode() + after).decode()
    assert redact_text(text, [secret]) != text


@given(st.text(max_size=30), st.text(min_size=6, max_size=30), st.text(max_size=30))
def test_a_known_secret_is_never_left(before, secret, after):
    assert secret not in redact_text(before + secret + after, [secret]).replace(
        "***", "\N{OBJECT REPLACEMENT CHARACTER}"
    )


def test_words_of_fewer_than_six_characters_are_no_secrets():
    assert redact_text("say hello", ["hello"]) == "say hello"


def test_the_longer_secret_leaves_no_rest():
    assert redact_text("abcdefghi", ["abcdef", "abcdefghi"]) == "***"


@pytest.mark.parametrize("before", ["", "a=1&" * 10, "=" * 1000, "a=1&" * 1000])
def test_a_secret_that_is_assigned_is_found_after_however_many_signs(before):
    assert redact_text(f"{before}client_secret=abc&b=2") == f"{before}client_secret=***&b=2"


def test_headers_keep_their_scheme_and_their_signatures():
    headers = {
        "Authorization": "Bearer abc",
        "Proxy-Authorization": "private words",
        "Set-Cookie": "sessionid=1",
        "X-Api-Token": "1",
        "webhook-signature": "v1,abc=",
        "X-Custom": "s3cr3t",
        "Content-Type": "application/json",
    }
    masked = mask_headers(headers)
    assert dict(zip(masked, redact_all(list(masked.values()), ["s3cr3t"]), strict=True)) == {
        "Authorization": "Bearer ***",
        "Proxy-Authorization": "***",
        "Set-Cookie": "***",
        "X-Api-Token": "***",
        "webhook-signature": "v1,abc=",
        "X-Custom": "***",
        "Content-Type": "application/json",
    }


@pytest.mark.parametrize(
    "text", ["\r\nERROR fake", "\x1b[2J", "\u202egpj.exe", "\x00", "\ud800", "\u2028"]
)
def test_a_log_line_stays_one_harmless_line(text):
    short_text = shorten(text, 100)
    assert short_text.isprintable() and "\\" in short_text


def test_long_text_is_cut():
    assert shorten("x" * 1_000_000, 10) == "xxxxxxxxx…"
    assert shorten("x" * 10, 10) == "x" * 10
    assert len(shorten("\x00" * 10, 10)) == 10


def test_half_a_surrogate_pair_hides_nothing():
    text = f'\ud800 {SECRET} "access_token": "very"'
    assert redact_text(text, [SECRET]) == '\ud800 *** "access_token": "***"'


def test_two_secrets_that_differ_in_case_are_both_masked():
    assert (
        redact_text("Sesame-One sesame-one SESAME-ONE", ["sesame-one", "Sesame-One"])
        == "*** *** SESAME-ONE"
    )


def test_a_token_that_stands_in_a_longer_word_is_masked():
    assert redact_text("-eyJ-eyJhbGciOiJI.eyJzdWIiOiI.c2ln end") == "-*** end"


def test_text_after_basic_hides_no_credentials_that_follow():
    assert (
        redact_text("basic authentication+basic dXNlcjpw end")
        == "basic authentication+basic *** end"
    )


@pytest.mark.parametrize("padding", ["", "x " * 20_000])
def test_a_long_text_is_looked_through_as_a_short_one_is(padding):
    text = padding + "whsec_MfKQ9r8GKY api_key=s3cr3t hub_live_abcd1234_0123456 " + padding
    assert redact_text(text) == padding + "whsec_*** api_key=*** hub_live_abcd1234_*** " + padding
