"""Splunk's alert webhooks are unsigned JSON, sent once."""

import json

import pytest
import requests


@pytest.fixture
def splunk(desk, receiver):
    search = {"stack": "acme", "name": "Too many errors", "url": f"{receiver.url}/hooks/1"}
    desk.world(splunk_alerts=[search])
    return desk


def send(desk, **more):
    wish = {"system": "splunk", "account": "acme", "event": "alert", **more}
    return desk.post("/_control/send", json=wish)


def test_an_alert_carries_the_newest_event_as_text(splunk, receiver):
    headers = {"Authorization": "Splunk 11111111-1111-4111-8111-111111111111"}
    event = {"event": {"count": 8, "user": "ann"}}
    url = f"{splunk.url}/splunk/acme/services/collector"
    assert requests.post(url, json=event, headers=headers, timeout=5).status_code == 200
    assert [row["status"] for row in send(splunk).json()["sent"]] == [200]
    (request,) = receiver.caught
    body = json.loads(request.body)
    assert (body["search_name"], body["owner"], body["app"]) == (
        "Too many errors",
        "admin",
        "search",
    )
    assert body["result"]["count"] == "8" and body["sid"] in body["results_link"]
    assert request.headers["Content-Type"] == "application/json"


def test_each_alert_has_its_own_sid_and_its_duplicates_share_it(splunk, receiver):
    send(splunk, times=2, duplicate=1)
    sids = [json.loads(one.body)["sid"] for one in receiver.caught]
    assert len(sids) == 4 and len(set(sids)) == 2


def test_nothing_is_sent_again(splunk, receiver):
    splunk.post("/_control/pace", json={"system": "splunk", "factor": 1000})
    receiver.answers = [(500, {}, b"")]
    send(splunk), send(splunk)
    assert len(receiver.caught) == 2


def test_a_tampered_proof_is_another_url(splunk, receiver):
    send(splunk, tamper="signature")
    assert receiver.caught[0].path == "/hooks/0"


def test_alerts_are_triggered_on_the_page(splunk, receiver):
    assert "Too many errors" in splunk.post("/splunk/acme/alerts").text
    receiver.wait(1)
    assert splunk.post("/splunk/globex/alerts").status_code == 400
    assert send(splunk, account="globex").status_code == 400
