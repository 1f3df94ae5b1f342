"""The kit: waits, lives, origins, words, and what goes over the wire."""

import json
import math
from datetime import UTC, datetime

import pytest

from connectors.allowed_hosts import find_allowed_origin
from connectors.base import Grant, parse_lifetime
from connectors.http import (
    Request,
    Response,
    Unreadable,
    dump_checked_json,
    dump_json,
    parse_retry_after,
)
from connectors.outcomes import (
    Outcome,
    delivered,
    maintenance,
    never,
    outcome_of_status,
    read_outcomes,
)
from connectors.roles import Action as BaseAction
from connectors.schema import Credential, Input
from tests.connectors.recorded import NOON, WHSEC

DAY = 86_400.0


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 1.0),
        ("0.2", 1.0),
        ("1.5", 1.5),
        ("86401", DAY),
        ("99999999999999999999", DAY),
        ("9" * 100, DAY),
        ("-5", None),
        ("+5", None),
        ("1e9", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("３０", None),
        ("٣٠", None),
        ("120, 60", None),
        ("soon", None),
        ("\x00", None),
        ("9" * 5000, None),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30.0),
        ("Wed, 25 Nov 2026 13:00:30 +0100", 30.0),
        ("Wed, 25 Nov 2026 12:00:30", 30.0),
        ("Wed, 25 Nov 2026 12:00:30 -0000", 30.0),
        ("Wednesday, 25-Nov-26 12:00:30 GMT", 30.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 1.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
        ("Wed, 25 Nov 2026 12:00:30 +9999", None),
        ("2026-11-25T12:00:30Z", None),
    ],
)
def test_a_stated_wait_is_kept_between_a_second_and_a_day(told, seconds):
    assert parse_retry_after(Response(429, headers={"retry-after": told}, at=NOON)) == seconds


def test_no_header_tells_no_wait():
    assert parse_retry_after(Response(429, at=NOON)) is None


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (3600, 3600.0),
        ("3600", 3600.0),
        (0, None),
        (-1, None),
        (None, None),
        (True, None),
        ("soon", None),
        ([], None),
        (math.nan, None),
        (math.inf, None),
        (1e12, 400 * DAY),
        (10**400, None),
    ],
)
def test_a_stated_token_lifetime_is_kept_within_bounds(told, seconds):
    assert parse_lifetime(told) == seconds


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://ACME.my.salesforce.com:443/path?a=b", "https://acme.my.salesforce.com"),
        ("http://127.0.0.1:9002/services", "http://127.0.0.1:9002"),
        ("http://acme.my.salesforce.com", ""),
        ("https://acme.my.salesforce.com:8443", ""),
        ("https://salesforce.com", ""),
        ("https://evilsalesforce.com", ""),
        ("https://acme.my.salesforce.com.evil.example", ""),
        ("https://evil.example/.salesforce.com", ""),
        ("https://evil.example#.salesforce.com", ""),
        ("https://evil.example\\.salesforce.com", ""),
        ("https://a@acme.my.salesforce.com", ""),
        ("https://evil.example:80@acme.my.salesforce.com", ""),
        ("https://acme.my.salesforce.com\t", ""),
        ("https://a_b.salesforce.com", ""),
        ("https://..salesforce.com", ""),
        ("https://169.254.169.254", ""),
        ("http://127.0.0.1:9003", ""),
        ("https://[::1", ""),
        ("https://acme.salesforce.com:99999", ""),
        ("", ""),
        (None, ""),
        (["https://acme.my.salesforce.com"], ""),
    ],
)
def test_an_answer_names_only_origins_that_are_allowed(url, origin):
    assert find_allowed_origin(url, ("*.salesforce.com", "http://127.0.0.1:9002")) == origin


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (204, None),
        (302, "never"),
        (400, "never"),
        (401, "reconnect"),
        (404, "never"),
        (408, "later"),
    ]
    + [
        (425, "later"),
        (429, "later"),
        (500, "unknown"),
        (502, "unknown"),
        (503, "later"),
        (504, "unknown"),
    ],
)
def test_a_status_stands_for_the_same_everywhere(status, kind):
    outcome = outcome_of_status(Response(status))
    assert (outcome and outcome.kind) == kind


def test_a_503_that_names_maintenance_costs_no_attempt():
    assert outcome_of_status(Response(503, b"Down for Maintenance")) == maintenance(
        "Down for Maintenance"
    )
    assert not outcome_of_status(Response(503, b"busy")).costs_no_attempt


def test_their_words_fit_a_column_whatever_they_are():
    outcome = never("x" * 999, "a\x00b\ud800c\r\n\x1b[2J\u202e" + "y" * 999)
    assert outcome.detail.startswith("a b c   [2J y") and len(outcome.detail) == 300
    assert len(outcome.reason) == 40


def test_too_few_answers_are_unknown_for_all():
    outcomes = read_outcomes(lambda: [delivered()], Response(200), 2)
    assert [outcome.kind for outcome in outcomes] == ["unknown", "unknown"]


def test_a_failure_of_our_own_flies():
    def broken() -> list[Outcome]:
        raise AssertionError

    with pytest.raises(AssertionError):
        read_outcomes(broken, Response(200), 1)


def test_secrets_have_no_repr():
    secret = {"access_token": WHSEC}
    shown = (
        f"{Credential(secret)!r} {Grant(secret)!r} "
        f"{Request('GET', f'https://a.example/?t={WHSEC}', bearer=WHSEC)!r}"
    )
    assert WHSEC not in shown


def test_a_body_implies_its_content_type():
    assert Request("POST", "u", json={"a": "é"}).content() == '{"a":"é"}'.encode()
    assert Request("POST", "u", json={}).all_headers() == {
        "Content-Type": "application/json; charset=utf-8"
    }
    form = Request("POST", "u", form={"a": "b c"})
    assert (form.content(), form.all_headers()) == (
        b"a=b+c",
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert Request("POST", "u", body=b"x", headers={"content-type": "a/b"}).all_headers() == {
        "content-type": "a/b"
    }


@pytest.mark.parametrize("write", [dump_json, dump_checked_json])
@pytest.mark.parametrize(
    "value", ["\ud800", 2**64, -(2**63) - 1, 1e16, 5e-324, 'é\0"', [None, True, {}]]
)
def test_what_json_can_say_goes_out_as_it_came(write, value):
    assert json.loads(write({"a": value})) == {"a": value}


def test_no_number_goes_out_that_json_does_not_have():
    with pytest.raises(ValueError, match="JSON"):
        Request("POST", "u", json={"a": math.nan}).content()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_what_is_not_json_is_unreadable(body):
    with pytest.raises(Unreadable):
        Response(200, body).json()


def test_a_body_has_what_is_required_and_nothing_strange():
    action = BaseAction()
    action.label, action.inputs = "Do", (Input("a", "A", required=True), Input("b", "B"))
    assert action.find_body_problem({"b": 1}) == "missing: a"
    assert action.find_body_problem({"a": 1, "z": 1}) == "not known to 'Do': z"
    assert action.find_body_problem({"a": 0, "b": None}) == ""


def test_a_response_without_a_moment_is_of_long_ago():
    assert Response(200).at < datetime(2001, 1, 1, tzinfo=UTC)
