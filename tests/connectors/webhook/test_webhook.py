"""Webhook: what an endpoint answers, what it is sent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.http import Scope
from connectors.webhook.connector import Webhook
from connectors.webhook.schema import parse_custom_headers
from tests.connectors.recorded import (
    NOON,
    OLD_WHSEC,
    ORDER,
    WHSEC,
    credential,
    fixtures,
    message,
    recorded,
)

SEND = Webhook().action("send")
ENDPOINT = (Scope("connection"),)
EXPECTED = {
    "send__ok": ("delivered", "", None),
    "send__created": ("delivered", "", None),
    "send__accepted": ("delivered", "", None),
    "send__no_content": ("delivered", "", None),
    "send__moved": ("never", "redirected", None),
    "send__found": ("never", "redirected", None),
    "send__temporary_redirect": ("never", "redirected", None),
    "send__bad_request": ("later", "status_400", None),
    "send__unauthorized": ("later", "status_401", None),
    "send__forbidden": ("later", "status_403", None),
    "send__not_found": ("later", "status_404", None),
    "send__timeout": ("later", "status_408", None),
    "send__conflict": ("later", "status_409", None),
    "send__gone": ("disable", "gone", None),
    "send__too_large": ("later", "status_413", None),
    "send__too_many": ("later", "throttled", 120.0),
    "send__too_many_without_a_wait": ("later", "throttled", None),
    "send__server_error": ("later", "status_500", None),
    "send__bad_gateway": ("later", "status_502", 7.0),
    "send__maintenance": ("later", "status_503", 600.0),
    "send__gateway_timeout": ("later", "status_504", None),
}


def read_recorded_outcome(name):
    (outcome,) = SEND.read_outcomes(recorded("webhook", name), [message(ORDER)])
    return outcome


def build_send_request(**changes):
    return SEND.request([message(ORDER, id="msg_1", **changes)], credential("webhook"))


def test_every_recorded_answer_is_in_the_table():
    assert fixtures("webhook") == sorted(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_reads(name, expected):
    outcome = read_recorded_outcome(name)
    assert (outcome.kind, outcome.reason, outcome.after) == expected


def test_an_overloaded_endpoint_rests_as_a_whole():
    assert (
        read_recorded_outcome("send__too_many").paused_scopes
        == read_recorded_outcome("send__maintenance").paused_scopes
        == ENDPOINT
    )
    assert read_recorded_outcome("send__server_error").paused_scopes == ()


def test_only_a_429_costs_no_attempt():
    assert (
        read_recorded_outcome("send__too_many").costs_no_attempt
        and not read_recorded_outcome("send__maintenance").costs_no_attempt
    )


def test_the_bytes_as_rendered_are_sent():
    assert build_send_request(raw=b'{"a": 1}').content() == b'{"a": 1}'


def test_the_id_stays_and_the_timestamp_is_of_the_attempt():
    first, second = (
        build_send_request().headers,
        build_send_request(at=NOON + timedelta(hours=1)).headers,
    )
    assert first["webhook-id"] == second["webhook-id"] == "msg_1"
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 3600


def test_an_old_secret_signs_too_until_its_end():
    until = NOON + timedelta(hours=24)
    secret = {
        "signing_secret": WHSEC,
        "old_signing_secrets": [{"secret": OLD_WHSEC, "until": until.isoformat()}],
    }
    rotating = credential("webhook", secret=secret)
    counts = [
        len(SEND.request([message(ORDER, at=at)], rotating).headers["webhook-signature"].split())
        for at in (NOON, until - timedelta(seconds=1), until)
    ]
    assert counts == [2, 2, 1]


def test_own_headers_go_along():
    given = credential(
        "webhook", secret={"signing_secret": WHSEC, "headers": '{"X-Team": "sales"}'}
    )
    assert SEND.request([message(ORDER)], given).headers["X-Team"] == "sales"


@pytest.mark.parametrize(
    "text", ["", "{}", '{"Authorization": "Bearer a.b-c_d"}', '{"Authorization": "Basic YTpi"}']
)
def test_takes_own_headers(text):
    assert isinstance(parse_custom_headers(text), dict)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        "[" * 100_000,
        '{"Host": "a"}',
        '{"content-LENGTH": "1"}',
        '{"Transfer-Encoding": "chunked"}',
        '{"Cookie": "a=b"}',
        '{"Webhook-Signature": "v1,a"}',
        '{"X-Forwarded-For": "127.0.0.1"}',
        '{"X:Y": "a"}',
        '{"X Y": "a"}',
        '{"": "a"}',
        '{"X-A": "a\\r\\nX-B: b"}',
        '{"X-A": " a"}',
        '{"X-A": ""}',
        '{"X-A": "é\\u2028"}',
        '{"X-A": 1}',
        '{"X-A": "a", "x-a": "b"}',
        '{"Authorization": "Digest a"}',
        '{"Authorization": "secret"}',
    ],
)
def test_refuses_own_headers_with_a_sentence(text):
    assert Webhook().find_credential_problem(
        replace(credential("webhook"), secret={"signing_secret": WHSEC, "headers": text})
    )


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_YQ==", "whsec_!!!", "None"])
def test_refuses_a_weak_signing_secret(secret):
    assert Webhook().find_credential_problem(
        credential("webhook", secret={"signing_secret": secret})
    )


@pytest.mark.parametrize("url", ["", "nonsense", "https://", "https://[::1"])
def test_refuses_a_url_without_a_host(url):
    assert Webhook().find_credential_problem(credential("webhook", settings={"url": url}))


def test_the_probe_is_a_signed_ping():
    ping = Webhook().probe_request(credential("webhook"), at=NOON)
    assert b'"type":"ping"' in ping.content()
    assert ping.headers["webhook-id"] == f"ping_{int(NOON.timestamp() * 1000)}"
    assert (
        Webhook().parse_probe(recorded("webhook", "send__ok"), credential("webhook")).name
        == "hooks.example.com"
    )
    assert (
        Webhook().parse_probe(recorded("webhook", "send__gone"), credential("webhook")).kind
        == "disable"
    )
