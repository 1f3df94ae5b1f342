"""A sender of Standard Webhooks; the official library verifies it."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from sandbox.webhook_signatures import sign_message, signature_error
from tests.sandbox.running_sandbox import NOON

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_plJ3nmyCDGBKInavdOK15jsl"


@pytest.fixture
def sender(desk, receiver):
    entry = {"sender": "acme", "url": f"{receiver.url}/hooks/1", "secret": [OLD, NEW]}
    desk.world(standard_webhooks=[entry])
    return desk


def send(desk, **more):
    wish = {"system": "standard_webhooks", "account": "acme", "event": "order.created", **more}
    answer = desk.post("/_control/send", json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json()["sent"]


def problem(request, secret=OLD):
    return signature_error([secret], request.headers, request.body, NOON)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_the_signature_is_that_of_the_official_library(secret):
    body = '{"type": "order.created"}'
    at = datetime.fromtimestamp(NOON, UTC)
    expected = Webhook(secret).sign("msg_1", at, body)
    assert sign_message(secret, "msg_1", str(int(NOON)), body.encode()) == expected


def test_each_secret_signs_each_message(sender, receiver):
    send(sender)
    (request,) = receiver.caught
    assert [problem(request, secret) for secret in (OLD, NEW)] == ["", ""]
    assert request.headers["webhook-id"].startswith("msg_")
    assert json.loads(request.body)["type"] == "order.created"


@pytest.mark.parametrize("tamper", ["body", "signature", "timestamp"])
def test_what_is_tampered_with_does_not_verify(sender, receiver, tamper):
    send(sender, tamper=tamper)
    (request,) = receiver.caught
    assert problem(request, NEW if tamper == "signature" else OLD)


def test_a_retry_keeps_the_id(sender, receiver):
    sender.post("/_control/pace", json={"system": "standard_webhooks", "factor": 1000})
    receiver.answers = [(500, {}, b""), (200, {}, b"")]
    send(sender)
    assert len({one.headers["webhook-id"] for one in receiver.wait(2)}) == 1


def test_a_410_disables_the_endpoint_until_it_has_another_url(sender, receiver):
    receiver.answers = [(410, {}, b""), (200, {}, b"")]
    send(sender)
    wish = {"system": "standard_webhooks", "account": "acme", "event": "order.created"}
    answer = sender.post("/_control/send", json=wish)
    assert answer.status_code == 400 and "410" in answer.json()["error"]
    sender.world(standard_webhooks=[{"sender": "acme", "url": f"{receiver.url}/hooks/2"}])
    assert [row["status"] for row in send(sender)] == [200]


def test_a_person_sends_from_the_page(sender, receiver):
    page = sender.post("/standard_webhooks/acme", data={"event": "user.created"})
    assert page.status_code == 200 and "Send user.created" in page.text
    assert problem(receiver.wait(1)[0]) == ""


def test_the_official_library_refuses_another_secret(sender, receiver):
    send(sender)
    (request,) = receiver.caught
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(request.body.decode(), dict(request.headers.items()))
