"""What providers document, and what their official libraries sign, is verified."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier
from standardwebhooks.webhooks import Webhook

from connectors.signatures import (
    GITHUB,
    SLACK,
    STANDARD_WEBHOOKS,
    STRIPE,
    TWILIO,
    Cause,
    Ed25519Scheme,
    Secret,
    SharedSecretScheme,
    Verdict,
    WebhookRequest,
    sign,
    verify,
)
from tests.connectors.signatures.requests import (
    BODY,
    FORM,
    NOW,
    TEXT_SECRET,
    URL,
    WHSEC_SECRET,
    replace_header,
)

AUTHENTIC = Verdict(is_valid=True, secret_index=0)


def test_the_slash_command_that_slack_documents():
    # https://docs.slack.dev/authentication/verifying-requests-from-slack
    request = WebhookRequest(
        "POST",
        URL,
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        (
            ("X-Slack-Request-Timestamp", "1531420618"),
            (
                "X-Slack-Signature",
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
        ),
    )
    assert verify(
        SLACK, request, [Secret("8f742231b10e8888abcd99yyyzzz85a5")], 1531420618.0
    ).is_valid


def test_the_message_of_the_standard_webhooks_libraries():
    # https://github.com/standard-webhooks/standard-webhooks, libraries/*/test
    request = WebhookRequest(
        "POST",
        URL,
        b'{"test": 2432232314}',
        (
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ),
    )
    assert verify(STANDARD_WEBHOOKS, request, [WHSEC_SECRET], 1614265330.0).is_valid


def test_the_payload_that_github_documents():
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    request = WebhookRequest("POST", URL, b"Hello, World!", (("X-Hub-Signature-256", signature),))
    assert verify(GITHUB, request, [Secret("It's a Secret to Everybody")], NOW).is_valid


def test_the_form_that_twilio_documents():
    # https://www.twilio.com/docs/usage/webhooks/webhooks-security, with its short example token
    request = WebhookRequest(
        "POST",
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        b"Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309"
        b"&CallSid=CA1234567890ABCDE",
        (*FORM, ("X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")),
    )
    scheme = replace(TWILIO, secret_bytes_min=5)
    assert verify(scheme, request, [Secret("12345")], NOW).is_valid
    assert verify(TWILIO, request, [Secret("12345")], NOW).cause == Cause.UNUSABLE_SECRET


def test_a_json_body_whose_hash_is_in_the_url_that_twilio_signs():
    # the vector of SignalWire's libraries, which sign as Twilio does
    body_hash = "69f3cbfc18e386ef8236cb7008cd5a54b7fed637a8cb3373b5a1591d7f0fd5f4"
    request = WebhookRequest(
        "POST",
        f"https://example.ngrok.io/webhook?bodySHA256={body_hash}",
        b'{"event":"call.state"}',
        (("X-Twilio-Signature", "dfO9ek8mxyFtn2nMz24plPmPfIY="),),
    )
    secrets = [Secret("PSKtest1234567890abcdef")]
    assert verify(TWILIO, request, secrets, NOW).is_valid
    changed = replace(request, body=b'{"event":"call.stats"}')
    assert verify(TWILIO, changed, secrets, NOW).cause == Cause.UNSIGNED_BODY


@pytest.mark.parametrize("signed_url", ["https://hub.example/sms", "https://hub.example:443/sms"])
@pytest.mark.parametrize("url", ["https://hub.example/sms", "https://hub.example:443/sms"])
def test_twilio_signs_a_url_with_or_without_its_default_port(signed_url, url):
    signed = sign(TWILIO, WebhookRequest("POST", signed_url, b"a=1", FORM), [TEXT_SECRET], NOW)
    assert verify(TWILIO, replace(signed, url=url), [TEXT_SECRET], NOW).is_valid
    other_port = replace(signed, url="https://hub.example:8443/sms")
    assert verify(TWILIO, other_port, [TEXT_SECRET], NOW).cause == Cause.WRONG_SECRET


def test_a_header_as_stripe_documents_it_with_old_and_new_secret_and_a_test_signature():
    # https://docs.stripe.com/webhooks/signature: timestamp.body, every v1 is tried, v0 is ignored
    def digest(secret):
        return hmac.new(secret.encode(), b"1492774577." + BODY, hashlib.sha256).hexdigest()

    secret = "whsec_an0therEndpointSecret"
    header = f"t=1492774577,v1={digest('old')},v1={digest(secret)},v0={digest('test')}"
    request = WebhookRequest("POST", URL, BODY, (("Stripe-Signature", header),))
    assert verify(STRIPE, request, [Secret(secret)], 1492774577.0).is_valid
    only_v0 = f"t=1492774577,v0={digest(secret)}"
    request = WebhookRequest("POST", URL, BODY, (("Stripe-Signature", only_v0),))
    assert verify(STRIPE, request, [Secret(secret)], 1492774577.0).cause == (
        Cause.MALFORMED_SIGNATURE
    )


def test_the_third_message_of_rfc_8032():
    scheme = Ed25519Scheme(header="X-Signature")
    signature = (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    request = WebhookRequest("POST", URL, b"\xaf\x82", (("X-Signature", signature),))
    key = Secret("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    assert verify(scheme, request, [key], NOW).is_valid


@pytest.mark.parametrize("name", ["Basic", "basic", "BASIC"])
def test_the_credential_of_rfc_7617(name):
    scheme = SharedSecretScheme(location="basic")
    header = f"{name} QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    request = WebhookRequest("POST", URL, BODY, (("authorization", header),))
    assert verify(scheme, request, [Secret("Aladdin:open sesame")], NOW).is_valid


@settings(deadline=None)
@given(body=st.text())
def test_slacks_library_and_ours_agree(body):
    class Noon(Clock):
        def now(self) -> float:
            return NOW

    library = SignatureVerifier(TEXT_SECRET.value, Noon())
    stamp = str(int(NOW))
    signature = library.generate_signature(timestamp=stamp, body=body)
    headers = (("x-slack-request-timestamp", stamp), ("x-slack-signature", signature))
    request = WebhookRequest("POST", URL, body.encode(), headers)
    assert verify(SLACK, request, [TEXT_SECRET], NOW) == AUTHENTIC
    ours = sign(SLACK, WebhookRequest("POST", URL, body.encode()), [TEXT_SECRET], NOW)
    assert library.is_valid_request(body, dict(ours.headers))


@settings(deadline=None)
@given(body=st.text())
def test_the_library_of_standard_webhooks_and_ours_agree(body):
    signature = Webhook(WHSEC_SECRET.value).sign("msg_1", datetime.fromtimestamp(NOW, UTC), body)
    request = sign(
        STANDARD_WEBHOOKS, WebhookRequest("POST", URL, body.encode()), [WHSEC_SECRET], NOW, "msg_1"
    )
    assert dict(request.headers)["webhook-signature"] == signature
    unprefixed = Secret(WHSEC_SECRET.value.removeprefix("whsec_"))
    assert verify(STANDARD_WEBHOOKS, request, [unprefixed], NOW) == AUTHENTIC
    with_asymmetric = replace_header(request, "webhook-signature", f"v1a,abc= {signature}")
    assert verify(STANDARD_WEBHOOKS, with_asymmetric, [WHSEC_SECRET], NOW) == AUTHENTIC
