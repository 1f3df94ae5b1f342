"""Standard Webhooks: the official library agrees, and nothing forged passes."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from connectors.signatures import (
    decode_signing_key,
    is_standard_webhook_signed,
    sign_standard_webhook,
    valid_signing_secrets,
)
from tests.connectors.recorded import NOON, OLD_WHSEC, WHSEC

BODY = '{"type":"order.created","data":{"name":"Zoë"}}'.encode()
SIGNED = sign_standard_webhook([WHSEC], id="msg_1", at=NOON, body=BODY)
RIGHT = SIGNED["webhook-signature"]
STAMP = SIGNED["webhook-timestamp"]


def passes(headers=SIGNED, body=BODY, *, secrets=(WHSEC,), now=NOON):
    return is_standard_webhook_signed(secrets, headers, body, now=now)


@settings(deadline=None)
@given(body=st.text().map(str.encode))
def test_the_official_library_signs_the_same(body):
    ours = sign_standard_webhook([WHSEC], id="msg_1", at=NOON, body=body)
    assert ours["webhook-signature"] == Webhook(WHSEC).sign("msg_1", NOON, body.decode())


def test_the_official_library_verifies_two_secrets_side_by_side():
    headers = sign_standard_webhook([WHSEC, OLD_WHSEC], id="msg_1", at=NOON, body=BODY)
    for secret in (WHSEC, OLD_WHSEC, WHSEC.removeprefix("whsec_")):
        assert (
            Webhook(secret).sign("msg_1", NOON, BODY.decode())
            in headers["webhook-signature"].split()
        )


def test_what_we_sign_passes():
    assert passes()
    assert passes(secrets=(OLD_WHSEC, WHSEC))
    assert passes({**SIGNED, "webhook-signature": f"v1a,abc nonsense {RIGHT}"})


@pytest.mark.parametrize(
    ("seconds", "passed"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)]
)
def test_a_signature_is_fresh_for_five_minutes(seconds, passed):
    assert passes(now=NOON + timedelta(seconds=seconds)) is passed


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1,",
        "v1",
        RIGHT.removeprefix("v1,"),
        RIGHT.replace("v1,", "v2,"),
        RIGHT.upper(),
        RIGHT.rstrip("="),
        "none",
    ]
    + [
        RIGHT.replace("v1,", "v1a,"),
        f"{RIGHT},{RIGHT}",
        "v1,é\ud800",
        " ".join(["v1,x"] * 10 + [RIGHT]),
        f"{RIGHT}\n",
    ],
)
def test_a_forged_signature_does_not_pass(signature):
    assert not passes({**SIGNED, "webhook-signature": signature})


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "abc",
        "1e10",
        "nan",
        "-1",
        "0",
        str(2**63),
        f"{STAMP}.0",
        f"+{STAMP}",
        f" {STAMP}",
        "١٧٦٤٠٧٢٠٠٠",
    ],
)
def test_a_strange_timestamp_does_not_pass(stamp):
    assert not passes({**SIGNED, "webhook-timestamp": stamp})


@pytest.mark.parametrize("id", ["", "msg_2", "msg_1.", f"msg_1.{STAMP}", "msg_1\n", "é", "x" * 300])
def test_a_strange_id_does_not_pass(id):
    assert not passes({**SIGNED, "webhook-id": id})


@pytest.mark.parametrize(
    "body", [b"", BODY + b"\n", b"\xef\xbb\xbf" + BODY, BODY.replace(b":", b": "), b"\xff"]
)
def test_a_changed_body_does_not_pass(body):
    assert not passes(body=body)


@settings(deadline=None)
@given(place=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
def test_no_byte_of_the_body_can_change(place, byte):
    changed = BODY[:place] + bytes([byte]) + BODY[place + 1 :]
    assert passes(body=changed) == (changed == BODY)


@pytest.mark.parametrize("secrets", [(), ("",), ("None",), ("whsec_",), (OLD_WHSEC,)])
def test_without_the_right_secret_nothing_passes(secrets):
    assert not passes(secrets=secrets)


def test_an_id_cannot_shift_what_is_signed():
    body = f"{STAMP}.".encode() + BODY
    shifted = sign_standard_webhook([WHSEC], id="msg", at=NOON, body=body)
    assert not passes({**shifted, "webhook-id": f"msg.{STAMP}"}, BODY)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_YQ==", "whsec_###", "whsec_" + "A" * 100, "é"])
def test_a_weak_secret_is_no_key(secret):
    with pytest.raises(ValueError, match="signing secret"):
        decode_signing_key(secret)


def test_an_old_secret_ends():
    document = {
        "signing_secret": WHSEC,
        "old_signing_secrets": [{"secret": OLD_WHSEC, "until": NOON.isoformat()}],
    }
    assert valid_signing_secrets(document, at=NOON - timedelta(seconds=1)) == [WHSEC, OLD_WHSEC]
    assert valid_signing_secrets(document, at=NOON) == [WHSEC]
