import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.sandbox.running_sandbox import RunningSandbox

KEYS = ["seq", "at", "system", "account", "method", "path", "status", "id", "body"]


def say(desk, **headers):
    headers = {"Authorization": "Bearer xoxb-acme-1", **headers}
    return desk.post(
        "/slack/api/chat.postMessage", json={"channel": "C0000GEN1", "text": "hi"}, headers=headers
    )


def test_the_ledger_has_a_line_for_each_request(desk):
    say(desk, **{"idempotency-key": "d1"})
    (line,) = desk.ledger()
    assert list(line) == KEYS
    assert (line["seq"], line["at"], line["system"], line["account"]) == (
        1,
        "2026-11-25T12:00:00.000Z",
        "slack",
        "T0000ACME",
    )
    assert (line["method"], line["path"], line["status"], line["id"]) == (
        "POST",
        "/slack/api/chat.postMessage",
        200,
        "d1",
    )
    assert json.loads(line["body"]) == {"channel": "C0000GEN1", "text": "hi"}


def test_the_ledger_is_read_from_where_one_was(desk):
    for _ in range(3):
        say(desk)
    assert [line["seq"] for line in desk.ledger(since=1)] == [2, 3]
    assert desk.ledger(since=3) == desk.ledger(since=99) == []
    assert desk.get("/_control/ledger?since=x").status_code == 400


def test_pages_and_control_are_not_on_the_ledger(desk):
    for path in ("/", "/slack/", "/_control/", "/_control/faults", "/webhook/acme"):
        assert desk.get(path).status_code == 200
    assert desk.ledger() == []


def test_seq_goes_on_after_a_reset_a_restart_and_a_torn_line(tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        say(desk)
        desk.post("/_control/reset")
        say(desk)
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"seq": 3, "half')
    with RunningSandbox(tmp_path).running() as desk:
        say(desk)
        assert [line["seq"] for line in desk.ledger()] == [1, 2, 3]
        assert "3 messages" in desk.get("/slack/T0000ACME/C0000GEN1").text


@pytest.mark.corrections(item="4.6")
def test_calls_in_flight_are_counted_by_the_system_that_answers_them(desk):
    desk.fault("slack", delay=0.5, times=3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: say(desk), range(3)))
    calls = desk.get("/_control/calls").json()
    assert calls == {"in_flight": {"slack": 0}, "most_in_flight": {"slack": 3}}


def test_faults_are_met_in_order_and_used_up(desk):
    desk.fault("slack", status=429, retry_after=7)
    desk.fault("slack", status=500, times=2)
    answers = [say(desk) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 500, 500, 200]
    assert (answers[0].headers["Retry-After"], answers[0].json()) == (
        "7",
        {"ok": False, "error": "ratelimited"},
    )
    assert [line["status"] for line in desk.ledger()] == [429, 500, 500, 200]


def test_a_refused_request_has_no_effect_unless_only_its_answer_is_lost(desk):
    desk.fault("slack", status=500)
    desk.fault("slack", status=500, effect=True)
    say(desk), say(desk)
    assert "1 message " in desk.get("/slack/T0000ACME/C0000GEN1").text


def test_a_fault_may_be_of_one_account_only(desk):
    desk.fault("webhook", account="globex", status=410)
    assert desk.post("/webhook/acme").status_code == 200
    assert desk.post("/webhook/globex").status_code == 410


def test_a_fault_can_stay_until_reset(desk):
    desk.fault("slack", body={"ok": False, "error": "token_revoked"}, times=0)
    assert [say(desk).json()["error"] for _ in range(3)] == ["token_revoked"] * 3
    assert desk.get("/_control/faults").json()["faults"][0]["left"] is None
    desk.post("/_control/reset")
    assert say(desk).json()["ok"]


def test_a_delay_is_before_the_true_answer_and_after_the_ledger(desk):
    desk.fault("slack", delay=30)
    with pytest.raises(requests.Timeout):
        requests.post(f"{desk.url}/slack/api/auth.test", timeout=0.2)
    assert len(desk.ledger()) == 1


def test_a_cut_connection_is_on_the_ledger(desk):
    desk.fault("slack", status=0)
    with pytest.raises(requests.ConnectionError):
        say(desk)
    assert desk.ledger()[0]["status"] == 0


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"system": "sap"},
        {"system": "slack", "statsu": 1},
        {"system": "slack", "status": 99},
        [],
        {"system": "slack", "delay": -1},
    ],
)
def test_a_wrong_fault_is_answered_with_a_sentence(desk, wish):
    answer = desk.post("/_control/faults", json=wish)
    assert answer.status_code == 400 and answer.json()["error"]


def test_a_person_orders_and_resets_faults_on_the_page(desk):
    form = {
        "system": "slack",
        "account": "",
        "status": "503",
        "retry_after": "",
        "delay": "",
        "times": "",
        "body": "",
    }
    assert "503" in desk.post("/_control/faults", data=form).text
    assert say(desk).status_code == 503
    assert 'role="alert"' in desk.post("/_control/faults", data=form | {"status": "many"}).text
    assert "All systems work normally" in desk.post("/_control/reset", data={"x": "y"}).text


def test_a_posted_world_merges_and_survives_a_restart(tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        desk.world(
            slack=[
                {"team": "T0000ACME", "token": "xoxb-acme-2"},
                {"team": "TNEW", "token": "xoxb-new"},
            ]
        )
    with RunningSandbox(tmp_path).running() as desk:
        assert say(desk).json()["error"] == "invalid_auth"
        assert say(desk, Authorization="Bearer xoxb-acme-2").json()["ok"]
        assert say(desk, Authorization="Bearer xoxb-new").json()["error"] == "channel_not_found"


@pytest.mark.parametrize(
    ("world", "words"),
    [
        ({"slak": []}, "unknown section 'slak'"),
        ({"slack": [{"name": "x"}]}, "slack: team is required"),
        ({"slack": [{"team": "T1", "tokn": "x"}]}, "unknown field 'tokn'"),
        ({"splunk": [{"stack": "a", "token": 5}]}, "splunk: token has the wrong type"),
        ({"latency": {"slack": [2, 1]}}, "latency is [least, most], in seconds"),
        ({"app": {"tenants": [{"name": "x"}]}}, "app.tenants: reference is required"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_world_is_refused_with_a_sentence_and_changes_nothing(desk, world, words):
    before = desk.get("/_control/world").json()
    answer = desk.post("/_control/world", json=world)
    assert (answer.status_code, answer.json()["error"].endswith(words)) == (400, True)
    assert desk.get("/_control/world").json() == before


def test_secrets_of_forms_are_masked_on_the_ledger(desk):
    form = {
        "client_id": "hub.slack",
        "client_secret": "slack-secret",
        "refresh_token": "xoxe-1-globex-1",
    }
    desk.post("/slack/api/oauth.v2.access", data=form)
    assert desk.ledger()[0]["body"] == "client_id=hub.slack&client_secret=***&refresh_token=***"


def test_every_page_has_a_strict_policy(desk):
    for path in (
        "/",
        "/app/",
        "/slack/",
        "/salesforce/",
        "/pipedrive/",
        "/splunk/",
        "/webhook/",
        "/webhook/acme",
        "/_control/",
    ):
        page = desk.get(path)
        assert page.status_code == 200 and "<h1" in page.text, path
        assert page.headers["Content-Security-Policy"].startswith(
            "default-src 'none'; style-src 'self'"
        )
        assert " style=" not in page.text and "<script" not in page.text
    assert desk.get("/slack/T1/C1").status_code == 404
