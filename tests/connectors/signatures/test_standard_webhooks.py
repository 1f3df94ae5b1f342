"""Standard Webhooks: the official library agrees."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from connectors.signatures import (
    decode_signing_key,
    sign_standard_webhook,
    valid_signing_secrets,
)
from tests.connectors.recorded import NOON, OLD_WHSEC, WHSEC

BODY = '{"type":"order.created","data":{"name":"Zoë"}}'.encode()


@settings(deadline=None)
@given(body=st.text().map(str.encode))
def test_the_official_library_signs_the_same(body):
    headers = sign_standard_webhook([WHSEC], id="msg_1", at=NOON, body=body)
    assert headers["webhook-signature"] == Webhook(WHSEC).sign("msg_1", NOON, body.decode())


def test_the_official_library_verifies_two_secrets_side_by_side():
    headers = sign_standard_webhook([WHSEC, OLD_WHSEC], id="msg_1", at=NOON, body=BODY)
    for secret in (WHSEC, OLD_WHSEC, WHSEC.removeprefix("whsec_")):
        assert (
            Webhook(secret).sign("msg_1", NOON, BODY.decode())
            in headers["webhook-signature"].split()
        )


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
