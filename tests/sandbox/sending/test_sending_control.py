import json

import pytest

WISH = {"system": "slack", "account": "T0000ACME", "event": "app_mention"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"system": "sap"}, "system is one of"),
        ({"system": ["slack"]}, "system is one of"),
        ({"account": "T0"}, "account is one of T0000ACME, T000GLOBEX"),
        ({"event": "dance"}, "event is one of app_mention"),
        ({"tamper": "header"}, "tamper is one of body, signature, timestamp"),
        ({"times": 0}, "times is a whole number from 1"),
        ({"duplicate": -1}, "duplicate is a whole number from 0"),
        ({"evnt": 1}, "unknown field 'evnt'"),
        ({}, "the app A0000000HUB has no Request URL"),
    ],
)
def test_a_wrong_wish_is_answered_with_a_sentence(desk, change, words):
    answer = desk.post("/_control/send", json=WISH | change)
    assert answer.status_code == 400 and answer.json()["error"].startswith(words)


@pytest.mark.parametrize(
    "wish", [{"system": "slack"}, {"system": "slack", "factor": 0}, {"system": "x", "factor": 2}]
)
def test_a_wrong_pace_is_answered_with_a_sentence(desk, wish):
    answer = desk.post("/_control/pace", json=wish)
    assert answer.status_code == 400 and answer.json()["error"]


def test_a_pace_is_listed_and_survives_a_restart(desk):
    assert (
        desk.post("/_control/pace", json={"system": "slack", "factor": 60}).json()["pace"]["slack"]
        == 60
    )
    assert desk.get("/_control/pace").json()["pace"]["slack"] == 60


def test_webhooks_leave_this_machine_for_the_hubs_host_only(desk):
    app = {"app_id": "A0000000HUB", "request_url": "http://203.0.113.9/events"}
    desk.world(slack_apps=[app], slack=[{"team": "T0000ACME", "scopes": "app_mentions:read"}])
    desk.post("/_control/send", json=WISH)
    rows = desk.get("/_control/sent").json()["sent"]
    assert rows and {(row["status"], row["failure"]) for row in rows} == {(0, "not allowed")}


def test_body_that_is_no_json_object(desk):
    for body in ("[]", "x"):
        headers = {"Content-Type": "application/json"}
        answer = desk.post("/_control/send", data=body, headers=headers)
        assert answer.status_code == 400 and json.loads(answer.text)["error"]


@pytest.mark.parametrize(
    "wish",
    [{"system": "sap"}, {"system": "pipedrive", "lost": 2}, {"system": "pipedrive", "later": 1}],
)
def test_a_wrong_disturbance_is_answered_with_a_sentence(desk, wish):
    answer = desk.post("/_control/disturb", json=wish)
    assert answer.status_code == 400 and answer.json()["error"]
