"""A shared secret is found in exactly one place and compared exactly."""

from base64 import b64encode
from dataclasses import replace

import pytest

from connectors.signatures import (
    Cause,
    Secret,
    SharedSecretScheme,
    WebhookRequest,
    is_equal_secret,
    verify,
)
from tests.connectors.signatures.requests import NOW, SHARED, replace_header

SECRET = SHARED["path"].secret


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode("latin-1")).decode()


def cause_of(name, **changes):
    case = SHARED[name]
    return verify(case.scheme, replace(case.request, **changes), [case.secret], NOW).cause


def cause_with_header(name, header, *values):
    case = SHARED[name]
    request = replace_header(case.request, header, *values)
    return verify(case.scheme, request, [case.secret], NOW).cause


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ((), Cause.MISSING_HEADER),
        (("",), Cause.MISSING_HEADER),
        ((SECRET.value, SECRET.value), Cause.MALFORMED_CREDENTIAL),
        (("x", SECRET.value), Cause.MALFORMED_CREDENTIAL),
        ((f"{SECRET.value}, {SECRET.value}",), Cause.WRONG_SECRET),
        ((SECRET.value.upper(),), Cause.WRONG_SECRET),
        ((SECRET.value[:-1],), Cause.WRONG_SECRET),
        ((SECRET.value + "\x00",), Cause.WRONG_SECRET),
        (("é\ud800\x00",), Cause.WRONG_SECRET),
        (("x" * 100_000,), Cause.MALFORMED_CREDENTIAL),
    ],
)
def test_a_secret_in_a_header(values, cause):
    assert cause_with_header("header", "X-Gitlab-Token", *values) == cause


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (SECRET.value, Cause.MALFORMED_CREDENTIAL),
        ("Bearer", Cause.MALFORMED_CREDENTIAL),
        ("Basic " + SECRET.value, Cause.MALFORMED_CREDENTIAL),
        ("Bearer  " + SECRET.value, Cause.WRONG_SECRET),
    ],
)
def test_a_secret_after_a_prefix(value, cause):
    assert cause_with_header("bearer", "Authorization", value) == cause


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("", Cause.MISSING_HEADER),
        ("Basic", Cause.MALFORMED_CREDENTIAL),
        ("Bearer x", Cause.MALFORMED_CREDENTIAL),
        ("Basic %%%", Cause.WRONG_SECRET),
        (basic(""), Cause.MALFORMED_CREDENTIAL),
        (basic(":"), Cause.WRONG_SECRET),
        (basic("hub"), Cause.WRONG_SECRET),
        (basic("hub:"), Cause.WRONG_SECRET),
        (basic(SECRET.value), Cause.WRONG_SECRET),
        (basic(f"hub:{SECRET.value}x"), Cause.WRONG_SECRET),
        (basic(f"Hub:{SECRET.value}"), Cause.WRONG_SECRET),
        (basic("\xff\x00:\xff"), Cause.WRONG_SECRET),
        (f"{basic(f'hub:{SECRET.value}')}, {basic('x:y')}", Cause.WRONG_SECRET),
    ],
)
def test_a_user_and_a_password_in_http_basic(value, cause):
    assert cause_with_header("basic", "Authorization", value) == cause


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ("", Cause.MISSING_PARAMETER),
        ("hook.token=", Cause.MISSING_PARAMETER),
        ("hook.token", Cause.MISSING_PARAMETER),
        (f"Hook.Token={SECRET.value}", Cause.MISSING_PARAMETER),
        (f"hook.token={SECRET.value}&hook.token={SECRET.value}", Cause.MALFORMED_CREDENTIAL),
        (f"hook.token=x&hook%2Etoken={SECRET.value}", Cause.MALFORMED_CREDENTIAL),
        ("hook.token=x", Cause.WRONG_SECRET),
        ("hook.token=%ff%00\ud800", Cause.WRONG_SECRET),
        (f"hook.token={SECRET.value}" + "&" * 2000, Cause.MALFORMED_CREDENTIAL),
        (f"a=1&hook.token={SECRET.value}", None),
        ("hook.token=" + SECRET.value.replace("-", "%2d"), None),
    ],
)
def test_a_secret_in_a_query_parameter(query, cause):
    assert cause_of("query", query=query) == cause


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("", Cause.WRONG_SECRET),
        ("/", Cause.WRONG_SECRET),
        ("/hooks/shop/", Cause.WRONG_SECRET),
        (f"/hooks/{SECRET.value}/shop/", Cause.WRONG_SECRET),
        (f"/hooks/{SECRET.value.upper()}/", Cause.WRONG_SECRET),
        (f"/hooks//{SECRET.value}/", Cause.MALFORMED_CREDENTIAL),
        (f"/hooks/{SECRET.value}//", Cause.MALFORMED_CREDENTIAL),
        (f"/hooks%2f{SECRET.value}/", Cause.MALFORMED_CREDENTIAL),
        (f"/hooks/{SECRET.value.replace('-', '%2d')}/", Cause.MALFORMED_CREDENTIAL),
        (f"/hooks/{SECRET.value}", None),
        (f"/hooks/{SECRET.value}/", None),
    ],
)
def test_a_secret_in_the_path(path, cause):
    assert cause_of("path", path=path) == cause


def test_a_credential_with_letters_beyond_ascii_is_utf_8():
    scheme = SharedSecretScheme(location="basic")
    secret = Secret("hub:pässwörd-of-16-bytes")
    header = ("Authorization", "Basic " + b64encode(secret.value.encode()).decode())
    request = WebhookRequest("POST", "", b"", (header,))
    assert verify(scheme, request, [secret], NOW).is_valid


def test_equal_is_equal_and_nothing_else():
    assert is_equal_secret(b"a", b"a")
    assert not is_equal_secret(b"a", b"aa") and not is_equal_secret(b"", b"a")
