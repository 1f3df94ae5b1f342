"""An HEC client as Splunk's documentation writes it, against the simulated collector."""

import gzip
import json

import pytest
import requests

TOKEN, ACKED = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
CHANNEL = {"X-Splunk-Request-Channel": "33333333-3333-4333-8333-333333333333"}
ALL = "/services/collector"


class Hec:
    def __init__(self, desk, stack, token):
        self.root = f"{desk.url}/splunk/{stack}"
        self.headers = {"Authorization": f"Splunk {token}"}

    def send(self, *envelopes, path=ALL, **headers):
        return self.post(path, "".join(map(json.dumps, envelopes)), **headers)

    def post(self, path, body, **headers):
        data = body if isinstance(body, bytes) else body.encode()
        return requests.post(
            self.root + path, data=data, headers={**self.headers, **headers}, timeout=5
        )


@pytest.fixture
def hec(desk):
    return Hec(desk, "acme", TOKEN)


@pytest.fixture
def acknowledging_hec(desk):
    return Hec(desk, "globex", ACKED)


def search_events(desk, query=""):
    return desk.get("/splunk/acme/search", params={"q": query}).text


def test_envelopes_one_after_another_are_indexed(desk, hec):
    answer = hec.send({"event": "one", "time": 1764000000.123}, {"event": {"number": "A-1001"}})
    assert (answer.status_code, answer.json()) == (200, {"text": "Success", "code": 0})
    assert "2 events" in search_events(desk) and "1 event " in search_events(desk, "number=A-1*")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": None}, 401, 2),
        ({"Authorization": "Bearer x"}, 401, 3),
        ({"Authorization": "Splunk x"}, 403, 4),
    ],
)
def test_the_token_is_looked_at_first(hec, headers, status, code):
    answer = hec.post(ALL, "", **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_token_in_the_query_is_valid_first_and_forbidden_then(desk, hec):
    del hec.headers["Authorization"]
    assert hec.post(f"{ALL}?token=x", "").json()["code"] == 4
    assert hec.post(f"{ALL}?token={TOKEN}", "").json() == {
        "text": "Query string authorization is not enabled",
        "code": 16,
    }
    assert TOKEN not in json.dumps(desk.ledger())


def test_a_disabled_token_says_so(desk, hec):
    desk.world(splunk=[{"stack": "acme", "token": TOKEN, "disabled": True}])
    assert (hec.post(ALL, "").status_code, hec.post(ALL, "").json()["code"]) == (403, 1)


@pytest.mark.parametrize(
    ("wrong", "code", "number"),
    [
        ('{"event":', 6, 2),
        ('{"event":"c","index":"secret"}', 7, 3),
        ('{"time":1}', 12, 2),
        ('{"event":""}', 13, 2),
        ('{"event":"c","fields":{"x":{"y":1}}}', 15, 2),
        ('{"event":"c","time":1.79E9}', 15, 2),
    ],
    ids=[
        "format",
        "index counts from one",
        "no event",
        "blank event",
        "nested fields",
        "scientific time",
    ],
)
def test_what_stands_before_the_wrong_event_is_kept(desk, hec, wrong, code, number):
    answer = hec.post(ALL, '{"event":"a"}\n{"event":"b"}' + wrong + '{"event":"never"}')
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["invalid-event-number"] == number
    assert "2 events" in search_events(desk) and "0 events" in search_events(desk, "never")


def test_nothing_is_code_5(hec):
    assert hec.post(ALL, " ").json() == {"text": "No data", "code": 5}


def test_an_unknown_key_ends_the_batch_in_silence(desk, hec):
    assert hec.send({"event": "a"}, {"event": "b", "evnt": 1}, {"event": "c"}).json()["code"] == 0
    assert "1 event " in search_events(desk)
    assert hec.send({"event": "b", "evnt": 1}).json()["code"] == 5


def test_an_array_is_a_batch_too_and_gzip_is_read(desk, hec):
    body = gzip.compress(json.dumps([{"event": "a"}, {"event": "b"}]).encode())
    assert hec.post(ALL, body, **{"Content-Encoding": "gzip"}).json()["code"] == 0
    assert "2 events" in search_events(desk)
    assert desk.ledger()[0]["body"].startswith("[")


def test_raw_lines_are_events(desk, hec):
    assert hec.post(f"{ALL}/raw?sourcetype=orders", "one\ntwo\n").json()["code"] == 0
    assert "2 events" in search_events(desk, "sourcetype=orders")


def test_a_token_with_acknowledgement_wants_a_channel(desk, acknowledging_hec):
    assert acknowledging_hec.send({"event": "a"}).json()["code"] == 10
    assert (
        acknowledging_hec.send({"event": "a"}, **{"X-Splunk-Request-Channel": "nonsense"}).json()[
            "code"
        ]
        == 11
    )
    desk.world(splunk=[{"stack": "globex", "token": ACKED, "cloud": True}])
    assert acknowledging_hec.send({"event": "a"}).json()["code"] == 28


def test_an_acknowledgement_is_true_once(acknowledging_hec):
    assert [
        acknowledging_hec.send({"event": "a"}, **CHANNEL).json()["ackId"] for _ in range(2)
    ] == [0, 1]
    asked = json.dumps({"acks": [0, 1, 7]})
    polls = [
        acknowledging_hec.post(f"{ALL}/ack", asked, **CHANNEL).json()["acks"] for _ in range(2)
    ]
    assert polls == [{"0": True, "1": True, "7": False}, {"0": False, "1": False, "7": False}]


def test_an_acknowledgement_takes_its_time(desk, acknowledging_hec):
    desk.world(splunk=[{"stack": "globex", "token": ACKED, "ack_after": 5}])
    acknowledging_hec.send({"event": "a"}, **CHANNEL)
    assert acknowledging_hec.post(f"{ALL}/ack", '{"acks": [0]}', **CHANNEL).json() == {
        "acks": {"0": False}
    }
    desk.now += 5
    assert acknowledging_hec.post(f"{ALL}/ack", '{"acks": [0]}', **CHANNEL).json() == {
        "acks": {"0": True}
    }


def test_a_partly_taken_batch_carries_its_ack_id(acknowledging_hec):
    answer = acknowledging_hec.post(ALL, '{"event":"a"}{"event":"b"}{"event":', **CHANNEL).json()
    assert answer == {
        "text": "Invalid data format",
        "code": 6,
        "invalid-event-number": 2,
        "ackId": 0,
    }


def test_acknowledgement_that_is_off_is_code_14(hec):
    assert hec.post(f"{ALL}/ack", '{"acks": [0]}', **CHANNEL).json()["code"] == 14


def test_too_much_is_code_6_of_event_0(desk, hec):
    desk.world(splunk=[{"stack": "acme", "token": TOKEN, "max_bytes": 20}])
    answer = hec.send({"event": "x" * 20}).json()
    assert (answer["code"], answer["invalid-event-number"]) == (6, 0)


def test_the_collector_is_posted_to(desk):
    answer = desk.get(f"/splunk/acme{ALL}")
    assert (answer.status_code, answer.json()["code"]) == (405, 404)
    options = requests.options(f"{desk.url}/splunk/acme{ALL}", timeout=5)
    assert (options.status_code, options.headers["Allow"]) == (200, "POST,OPTIONS")


def test_health_needs_no_token_but_may_check_one(desk):
    assert desk.get(f"/splunk/acme{ALL}/health").json() == {"text": "HEC is healthy", "code": 17}
    assert desk.get(f"/splunk/acme{ALL}/health?token=x").json()["code"] == 21


def test_back_pressure_is_said_in_its_codes(desk, hec):
    desk.fault("splunk", status=503)
    desk.fault("splunk", status=429)
    assert [hec.send({"event": "a"}).json()["code"] for _ in range(3)] == [9, 26, 0]


def test_the_ledger_names_the_events_by_their_own_ids(desk, hec):
    hec.send(
        {"event": "a", "fields": {"delivery_id": "d1"}}, {"event": {"id": "d2"}}, {"event": "none"}
    )
    assert desk.ledger()[-1]["id"] == "d1 d2"


def restart(desk, stack, seconds):
    wish = {"system": "splunk", "account": stack, "seconds": seconds}
    return desk.post("/_control/restart", json=wish)


def fault(desk, **wish):
    return desk.post("/_control/faults", json={"system": "splunk", **wish})


def test_a_restart_refuses_and_forgets_acknowledgements(desk, acknowledging_hec):
    assert acknowledging_hec.send({"event": "one"}, **CHANNEL).json()["ackId"] == 0
    assert acknowledging_hec.send({"event": "two"}, **CHANNEL).json()["ackId"] == 1
    assert restart(desk, "globex", 60).status_code == 201
    answer = acknowledging_hec.send({"event": "three"}, **CHANNEL)
    assert (answer.status_code, answer.json()["code"]) == (503, 23)
    restart(desk, "globex", 0)
    response = acknowledging_hec.post(f"{ALL}/ack", json.dumps({"acks": [0, 1]}), **CHANNEL)
    assert response.json() == {"acks": {"0": False, "1": False}}
    assert acknowledging_hec.send({"event": "four"}, **CHANNEL).json()["ackId"] == 0


def test_a_wrong_restart_is_refused_with_a_sentence(desk):
    assert restart(desk, "nowhere", 1).json() == {"error": "there is no stack 'nowhere'"}
    assert restart(desk, "acme", -1).status_code == 400
    wish = {"system": "slack", "account": "T0", "seconds": 1}
    assert "cannot be restarted" in desk.post("/_control/restart", json=wish).json()["error"]


def test_a_fault_takes_the_first_events_of_a_batch_only(desk, hec, acknowledging_hec):
    fault(desk, account="acme", accepts=2)
    answer = hec.send({"event": "one"}, {"event": "two"}, {"event": "three"})
    expected = {"text": "Invalid data format", "code": 6, "invalid-event-number": 2}
    assert (answer.status_code, answer.json()) == (400, expected)
    fault(desk, account="globex", accepts=1)
    answer = acknowledging_hec.send({"event": "one"}, {"event": "two"}, **CHANNEL)
    assert (answer.json()["invalid-event-number"], answer.json()["ackId"]) == (1, 0)
    counted = desk.get("/_control/records?system=splunk&account=acme&object=counts").text
    counts = {"index": "main", "source": "http:hub", "sourcetype": "_json", "count": 2}
    assert json.loads(counted) == counts
    events = desk.get("/_control/records?system=splunk&account=acme&object=events").text
    assert [json.loads(line)["event"] for line in events.splitlines()] == ["one", "two"]
    assert "2 events indexed: 2 of http:hub in main." in search_events(desk)


def test_triggered_alerts_are_listed_with_a_management_token_until_they_expire(desk):
    token = {"stack": "acme", "token": TOKEN, "management_token": "manager"}
    search = {"stack": "acme", "name": "Errors", "url": "http://127.0.0.1:1/", "expires": 60}
    hidden = search | {"name": "Hidden", "track": False}
    desk.world(splunk=[token], splunk_alerts=[search, hidden])
    desk.post("/_control/send", json={"system": "splunk", "account": "acme", "event": "alert"})
    headers = {"Authorization": "Bearer manager"}
    fired = "/splunk/acme/servicesNS/-/-/alerts/fired_alerts/-?output_mode=json"
    (entry,) = desk.get(fired, headers=headers).json()["entry"]
    assert entry["content"]["savedsearch_name"] == "Errors"
    results = f"/splunk/acme/services/search/jobs/{entry['content']['sid']}/results"
    assert len(desk.get(results, headers=headers).json()["results"]) == 1
    assert desk.get(fired).status_code == 401
    desk.now += 60
    assert desk.get(fired, headers=headers).json()["entry"] == []
    assert desk.get(results, headers=headers).status_code == 404
