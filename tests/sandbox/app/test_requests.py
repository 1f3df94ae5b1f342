"""Labels and questions that the hub brings to the order application."""

import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from tests.sandbox.running_sandbox import NOON

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LABEL = {"tenant": "acme", "order": "00801", "recipient": "Ada", "address": "Main Street 1"}
QUESTION = {
    "tenant": "acme",
    "text": "Where is A-1001?",
    "connection": "c-1",
    "channel": "C0000GEN1",
    "thread_ts": "1795608000.000100",
    "user": "U0000ANN1",
}
ORDER = {
    "tenant": "acme",
    "customer": "Ada",
    "email": "ada@example.org",
    "items": [{"name": "Tea", "quantity": 1, "price": "4"}],
}
ACTION = "http://hub.test/api/v1/connections/c-1/actions/post_message"


@pytest.fixture
def shop(desk):
    tenants = [{"reference": "acme", "hub_key": "hub_key_acme"}]
    desk.world(app={"hub": "http://hub.test", "tenants": tenants})
    return desk


def questions(desk, answers):
    """All questions, once the first has so many answers."""
    end = time.monotonic() + 20
    rows = desk.get("/app/api/questions").json()["questions"]
    while len(rows[0]["answers"]) < answers and time.monotonic() < end:
        time.sleep(0.01)
        rows = desk.get("/app/api/questions").json()["questions"]
    return rows


def test_a_label_is_made_once_and_shown(shop):
    headers = {"webhook-id": "d1"}
    answers = [shop.post("/app/api/labels", json=LABEL, headers=headers) for _ in range(2)]
    assert [(one.status_code, one.json()["label"]) for one in answers] == [(202, "L-5001")] * 2
    (label,) = shop.get("/app/api/labels?tenant=acme").json()["labels"]
    assert (label["order"], label["recipient"]) == ("00801", "Ada")
    assert "Main Street 1" in shop.get("/app/labels/").text
    assert shop.get("/app/api/labels?tenant=globex").json()["labels"] == []


def test_the_facts_may_stand_in_data(shop):
    body = {"id": "d2", "tenant": "acme", "data": {"order": "00802"}}
    assert shop.post("/app/api/labels", json=body).json()["label"] == "L-5001"


@pytest.mark.parametrize(
    ("path", "body"), [("labels", {}), ("questions", {"connection": "c"}), ("labels", [])]
)
def test_what_is_missing_is_said_in_a_sentence(shop, path, body):
    answer = shop.post(f"/app/api/{path}", json=body)
    assert answer.status_code == 400 and answer.json()["error"].endswith(".")


def test_an_unsigned_label_is_refused_where_a_secret_is_known(shop):
    shop.world(app={"secret": SECRET})
    assert shop.post("/app/api/labels", json=LABEL).status_code == 401
    body = '{"tenant": "acme", "order": "1"}'
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(NOON)),
        "webhook-signature": Webhook(SECRET).sign("m1", datetime.fromtimestamp(NOON, UTC), body),
    }
    assert shop.post("/app/api/labels", data=body, headers=headers).status_code == 202


def test_a_question_is_answered_in_its_thread_by_the_hub(shop):
    shop.post("/app/api/orders", json=ORDER)
    headers = {"webhook-id": "d1"}
    for _ in range(2):
        answer = shop.post("/app/api/questions", json=QUESTION, headers=headers)
        assert (answer.status_code, answer.json()["question"]) == (202, "Q-7001")
    (question,) = questions(shop, answers=1)
    assert question["answers"][0]["status"] == 202
    ((url, sent_headers, body),) = [call for call in shop.hub if call[0] == ACTION]
    assert url == ACTION and sent_headers == {"Authorization": "Bearer hub_key_acme"}
    assert body == {
        "id": "answer-Q-7001-1",
        "data": {
            "channel": "C0000GEN1",
            "text": "Order A-1001 of Ada: placed, 4.00 EUR.",
            "thread_ts": "1795608000.000100",
        },
    }


def test_a_person_answers_on_the_page(shop):
    shop.world(app={"answers": False})
    shop.post("/app/api/questions", json=QUESTION)
    assert "not answered yet" in shop.get("/app/questions/").text and shop.hub == []
    page = shop.post("/app/questions/Q-7001/answer", data={"text": "On its way."}).text
    assert "On its way." in page and "the hub responded with 202" in page
    assert shop.hub[0][2]["data"]["text"] == "On its way."


def test_a_hub_that_is_away_is_shown(shop):
    shop.hub_says = ConnectionRefusedError("nobody there")
    shop.post("/app/api/questions", json=QUESTION)
    assert questions(shop, answers=1)[0]["answers"][0]["status"] == 0
    assert "the hub did not respond" in shop.get("/app/questions/").text


def test_another_sites_page_answers_nothing(shop):
    shop.world(app={"answers": False})
    shop.post("/app/api/questions", json=QUESTION)
    headers = {"Sec-Fetch-Site": "cross-site"}
    form = {"text": "x"}
    answer = shop.post("/app/questions/Q-7001/answer", data=form, headers=headers)
    assert answer.status_code == 404 and shop.hub == []
