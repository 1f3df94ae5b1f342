import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from tests.sandbox.running_sandbox import NOON

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def signed(body, secret=SECRET, at=NOON):
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at)),
        "webhook-signature": signature,
    }


def test_whatever_is_sent_is_caught(desk):
    assert desk.post("/webhook/anywhere/below", data="hello").json() == {"ok": True}
    page = desk.get("/webhook/anywhere").text
    assert "hello" in page and "no secret to verify with" in page


def test_a_good_signature_is_verified_and_its_id_is_on_the_ledger(desk):
    desk.post("/webhook/acme", data="{}", headers=signed("{}"))
    assert "verified" in desk.get("/webhook/acme").text
    (line,) = desk.ledger()
    assert (line["account"], line["id"], line["body"]) == ("acme", "msg_1", "{}")


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "not signed"),
        (
            signed("{}", secret="whsec_" + base64.b64encode(b"x" * 24).decode()),
            "no signature matches",
        ),
        (signed("{}", at=NOON - 301), "301 s off"),
        (signed("{ }"), "no signature matches"),
        ({**signed("{}"), "webhook-timestamp": "soon"}, "not a number"),
    ],
    ids=["unsigned", "wrongly keyed", "stale", "altered", "strange"],
)
def test_a_bad_signature_is_caught_and_reported(desk, headers, words):
    assert desk.post("/webhook/acme", data="{}", headers=headers).status_code == 200
    assert words in desk.get("/webhook/acme").text


def test_two_secrets_while_one_is_rotated(desk):
    desk.world(
        webhook=[
            {
                "endpoint": "acme",
                "secret": ["whsec_" + base64.b64encode(b"x" * 24).decode(), SECRET],
            }
        ]
    )
    headers = signed("{}")
    headers["webhook-signature"] = f"v1a,nonsense strange {headers['webhook-signature']}"
    desk.post("/webhook/acme", data="{}", headers=headers)
    assert "verified" in desk.get("/webhook/acme").text


def test_a_strict_endpoint_turns_the_unsigned_away(desk):
    desk.world(webhook=[{"endpoint": "acme", "strict": True}])
    assert desk.post("/webhook/acme", data="{}").status_code == 401


def test_what_was_caught_stays_text_on_the_page(desk):
    desk.post(
        "/webhook/acme",
        data="<script>alert(1)</script>",
        headers={"Authorization": "Bearer secret"},
    )
    page = desk.get("/webhook/acme").text
    assert "<script" not in page and "Bearer secret" not in page
