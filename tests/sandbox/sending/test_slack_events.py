"""Slack sends events, commands and clicks; the official SDK verifies them."""

import json
from urllib.parse import parse_qs

import pytest
import requests
from slack_sdk.signature import SignatureVerifier

from sandbox.slack.apps.signing import sign
from tests.sandbox.running_sandbox import NOON

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
GRANTED = "chat:write,app_mentions:read,im:history,im:read,commands,channels:history"
GENERAL = "/slack/T0000ACME/C0000GEN1"


def answer_challenge(request):
    """As a good application does, and 200 for all else."""
    body = json.loads(request.body) if request.body.startswith(b"{") else {}
    return 200, {}, body.get("challenge", "").encode()


@pytest.fixture
def slack(desk, receiver):
    """The workspace Acme, whose app listens at the receiver."""
    receiver.answers = [answer_challenge]
    app = {
        "app_id": "A0000000HUB",
        "request_url": f"{receiver.url}/events",
        "interactivity_url": f"{receiver.url}/clicks",
        "slash_commands": [{"command": "/ask", "url": f"{receiver.url}/commands"}],
    }
    desk.world(slack_apps=[app], slack=[{"team": "T0000ACME", "scopes": GRANTED}])
    receiver.wait(1)
    states = (desk.get("/slack/apps/A0000000HUB").text for _ in range(500))
    assert next(text for text in states if "</span> verified" in text)  # the challenge was answered
    return desk


def send(desk, event, **more):
    answer = desk.post(
        "/_control/send",
        json={"system": "slack", "account": "T0000ACME", "event": event, **more},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["sent"]


def is_good(request):
    verifier = SignatureVerifier(SECRET, clock=Clock())
    return verifier.is_valid_request(request.body, dict(request.headers.items()))


class Clock:
    def now(self):
        return NOON


def test_the_signature_is_that_of_the_documented_example():
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121"
        b".803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert sign(SECRET, "1531420618", body) == expected


def test_a_new_request_url_gets_a_signed_challenge(slack, receiver):
    (request,) = receiver.caught
    assert json.loads(request.body)["type"] == "url_verification" and is_good(request)
    assert "verified" in slack.get("/slack/apps/A0000000HUB").text


def test_a_message_that_names_the_app_is_an_event(slack, receiver):
    form = {"user": "U0000BOB1", "text": "@Hub where is my order?"}
    assert "where is my order?" in slack.post(f"{GENERAL}/messages", data=form).text
    _, request = receiver.wait(2)
    assert is_good(request)
    envelope = json.loads(request.body)
    event = envelope["event"]
    assert (envelope["team_id"], envelope["api_app_id"]) == ("T0000ACME", "A0000000HUB")
    assert (event["type"], event["user"], event["channel"]) == (
        "app_mention",
        "U0000BOB1",
        "C0000GEN1",
    )
    assert event["text"] == "<@U0000000HUB> where is my order?"
    assert envelope["event_id"].startswith("Ev") and envelope["authorizations"][0]["is_bot"]


def test_a_message_that_does_not_name_the_app_is_none(slack, receiver):
    slack.post(f"{GENERAL}/messages", data={"text": "good morning"})
    slack.post(f"{GENERAL}/messages", data={"text": "@Hub hello"})
    assert "@Hub" not in receiver.wait(2)[1].body.decode()
    assert len(receiver.caught) == 2


def test_an_answer_stands_in_the_thread_of_its_question(slack, receiver):
    slack.post(f"{GENERAL}/messages", data={"text": "@Hub where is it?"})
    ts = json.loads(receiver.wait(2)[1].body)["event"]["ts"]
    message = {"channel": "C0000GEN1", "thread_ts": ts, "text": "It is on its way."}
    headers = {"Authorization": "Bearer xoxb-acme-1"}
    posted = slack.post("/slack/api/chat.postMessage", json=message, headers=headers).json()
    assert posted["message"]["thread_ts"] == ts
    page = slack.get(GENERAL).text
    question, _, rest = page.partition('<ol class="thread"')
    assert "where is it?" in question and "It is on its way." in rest.partition("</ol>")[0]
    replies = slack.post(
        "/slack/api/conversations.replies",
        json={"channel": "C0000GEN1", "ts": ts},
        headers=headers,
    ).json()
    assert [one["text"] for one in replies["messages"]][1:] == ["It is on its way."]


def test_a_direct_message_is_an_event_and_so_is_the_apps_own_answer(slack, receiver):
    slack.post("/slack/T0000ACME/D0000ANN1/messages", data={"text": "hello"})
    event = json.loads(receiver.wait(2)[1].body)["event"]
    assert (event["type"], event["channel_type"], event["user"]) == ("message", "im", "U0000ANN1")
    message = {"channel": "U0000ANN1", "text": "hello, Ann"}
    headers = {"Authorization": "Bearer xoxb-acme-1"}
    assert slack.post("/slack/api/chat.postMessage", json=message, headers=headers).json()["ok"]
    event = json.loads(receiver.wait(3)[2].body)["event"]
    assert event["bot_id"] == "B0000000HUB" and "user" not in event


def test_what_the_app_was_not_granted_is_not_sent(slack):
    slack.world(slack=[{"team": "T0000ACME", "scopes": "chat:write"}])
    wish = {"system": "slack", "account": "T0000ACME", "event": "app_mention"}
    answer = slack.post("/_control/send", json=wish)
    assert answer.status_code == 400 and "app_mentions:read" in answer.json()["error"]


def test_the_control_sends_many_and_duplicates(slack, receiver):
    sent = send(slack, "app_mention", times=3, duplicate=2)
    assert [row["status"] for row in sent] == [200] * 9
    ids = [json.loads(one.body)["event_id"] for one in receiver.caught[1:]]
    assert len(ids) == 9 and len(set(ids)) == 3


@pytest.mark.parametrize("tamper", ["body", "signature", "timestamp"])
def test_what_is_tampered_with_does_not_verify(slack, receiver, tamper):
    send(slack, "app_mention")
    send(slack, "app_mention", tamper=tamper)
    assert [is_good(one) for one in receiver.caught] == [True, True, False]


def test_a_failed_event_is_sent_three_times_more_with_its_reason(slack, receiver):
    slack.post("/_control/pace", json={"system": "slack", "factor": 1000})
    receiver.answers = [(500, {}, b"")]
    assert [row["status"] for row in send(slack, "app_mention")] == [500]
    attempts = receiver.wait(5)[1:]
    heads = [
        (one.headers["X-Slack-Retry-Num"], one.headers["X-Slack-Retry-Reason"]) for one in attempts
    ]
    assert heads == [(None, None), *((str(number), "http_error") for number in (1, 2, 3))]
    assert len({json.loads(one.body)["event_id"] for one in attempts}) == 1
    rows = slack.sent(4, since=1)
    assert [(row["attempt"], row["status"]) for row in rows] == [(n, 500) for n in (1, 2, 3, 4)]


def test_an_app_may_ask_for_no_retry(slack, receiver):
    slack.post("/_control/pace", json={"system": "slack", "factor": 1000})
    receiver.answers = [(500, {"X-Slack-No-Retry": "1"}, b""), answer_challenge]
    send(slack, "app_mention")
    send(slack, "app_mention")
    assert "X-Slack-Retry-Num" not in receiver.caught[-1].headers and len(receiver.caught) == 3


def test_a_slow_answer_is_a_timeout_and_a_closed_port_a_connection_that_failed(slack, receiver):
    receiver.delay = 4
    assert [row["status"] for row in send(slack, "app_mention")] == [0]
    receiver.delay = 0
    request = receiver.wait(3)[2]
    assert request.headers["X-Slack-Retry-Reason"] == "http_timeout"


def test_two_redirects_are_followed_and_a_third_is_not(slack, receiver):
    moved = (302, {"Location": f"{receiver.url}/elsewhere"}, b"")
    receiver.answers = [moved, moved, answer_challenge]
    assert [row["status"] for row in send(slack, "app_mention")] == [200]
    receiver.answers = [moved]
    assert [row["status"] for row in send(slack, "app_mention")] == [0]


def test_many_failures_disable_the_app_until_a_person_enables_it(slack, receiver):
    receiver.answers = [(500, {"X-Slack-No-Retry": "1"}, b"")]
    assert len(send(slack, "app_mention", times=1000)) == 1000
    wish = {"system": "slack", "account": "T0000ACME", "event": "app_mention"}
    answer = slack.post("/_control/send", json=wish)
    assert answer.status_code == 400 and "disabled" in answer.json()["error"]
    assert "disabled" in slack.get("/slack/apps/A0000000HUB").text
    slack.post("/slack/apps/A0000000HUB", data={"do": "enable"})
    receiver.answers = [answer_challenge]
    assert [row["status"] for row in send(slack, "app_mention")] == [200]


def test_an_uninstallation_sends_both_events_and_then_nothing(slack, receiver):
    wish = {"system": "slack", "account": "T0000ACME", "do": "uninstall"}
    assert slack.post("/_control/tokens", json=wish).status_code == 200
    events = [json.loads(one.body)["event"] for one in receiver.wait(3)[1:]]
    assert {event["type"] for event in events} == {"app_uninstalled", "tokens_revoked"}
    tokens = next(event["tokens"] for event in events if event["type"] == "tokens_revoked")
    assert tokens == {"oauth": [], "bot": ["U0000000HUB"]}
    slack.post(f"{GENERAL}/messages", data={"text": "@Hub still here?"})
    assert len(slack.sent(3)) == 3


def test_a_revoked_token_sends_an_event_too(slack, receiver):
    slack.post("/slack/api/auth.revoke", headers={"Authorization": "Bearer xoxb-acme-1"})
    assert json.loads(receiver.wait(2)[1].body)["event"]["type"] == "tokens_revoked"


def test_a_command_is_signed_and_its_answer_shown_to_who_typed_it(slack, receiver):
    receiver.answers = [(200, {"Content-Type": "application/json"}, b'{"text": "Looking it up."}')]
    slack.post(f"{GENERAL}/messages", data={"user": "U0000BOB1", "text": "/ask where is A-1?"})
    request = receiver.wait(2)[1]
    form = {name: value for name, (value,) in parse_qs(request.body.decode()).items()}
    assert request.path == "/commands" and is_good(request)
    assert (form["command"], form["text"], form["user_id"]) == (
        "/ask",
        "where is A-1?",
        "U0000BOB1",
    )
    slack.sent(2)  # the answer of the second request was read
    pages = (slack.get(GENERAL).text for _ in range(200))
    page = next(page for page in pages if "Looking it up." in page)
    assert "Only visible to Bob Baker" in page


def test_a_response_url_takes_five_posts_within_half_an_hour(slack, receiver):
    send(slack, "slash_command")
    url = parse_qs(receiver.wait(2)[1].body.decode())["response_url"][0]
    answer = {"text": "Found it.", "response_type": "in_channel"}
    statuses = [requests.post(url, json=answer, timeout=5).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [404]
    assert slack.get(GENERAL).text.count("Found it.") == 5
    send(slack, "slash_command")
    url = parse_qs(receiver.wait(3)[2].body.decode())["response_url"][0]
    slack.now = NOON + 1801
    assert requests.post(url, json=answer, timeout=5).json()["error"] == "expired_url"


def test_a_click_is_a_payload_whose_answer_may_replace_the_message(slack, receiver):
    blocks = [
        {
            "type": "actions",
            "block_id": "order",
            "elements": [
                {
                    "type": "button",
                    "action_id": "ship",
                    "value": "A-1",
                    "text": {"type": "plain_text", "text": "Ship it"},
                }
            ],
        }
    ]
    message = {"channel": "C0000GEN1", "text": "An order", "blocks": blocks}
    headers = {"Authorization": "Bearer xoxb-acme-1"}
    ts = slack.post("/slack/api/chat.postMessage", json=message, headers=headers).json()["ts"]
    assert "Ship it" in slack.get(GENERAL).text
    slack.post(f"{GENERAL}/clicks", data={"ts": ts, "action_id": "ship"})
    request = receiver.wait(2)[1]
    payload = json.loads(parse_qs(request.body.decode())["payload"][0])
    assert is_good(request) and payload["type"] == "block_actions"
    assert payload["actions"][0] | {"action_ts": ""} == {
        "type": "button",
        "action_id": "ship",
        "block_id": "order",
        "value": "A-1",
        "text": {"type": "plain_text", "text": "Ship it"},
        "action_ts": "",
    }
    answer = {"text": "Shipped.", "blocks": [], "replace_original": True}
    assert requests.post(payload["response_url"], json=answer, timeout=5).status_code == 200
    assert "Shipped." in slack.get(GENERAL).text


def test_an_unknown_command_stays_with_the_person(slack):
    page = slack.post(f"{GENERAL}/messages", data={"text": "/dance"}).text
    assert "/dance is not a valid command." in page and 'role="alert"' in page


def test_another_sites_page_writes_no_message(slack):
    answer = slack.post(
        f"{GENERAL}/messages",
        data={"text": "@Hub hello"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 404
