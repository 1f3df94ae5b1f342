"""Log lines by REST: all or none, numbered, once for each key."""

import json
import time
import tracemalloc

import pytest

from hub.scheduled.log_intake.lines import parse_lines, unpack_lines
from hub.scheduled.models import Log, LogChunk, LogPosition
from tests.factories import NOON
from tests.hub.scheduled.logs import entries, ndjson

pytestmark = pytest.mark.django_db

LOGS = "/api/v1/logs"


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def shop(api, acme):
    return api.of(acme)


def send(client, body, key="key 1", url=LOGS, **headers):
    headers |= {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    return client.post(url, body, content_type="application/x-ndjson", **headers)


def problem(answer):
    body = answer.json()
    return answer.status_code, body["code"], body["detail"]


def stored_lines():
    return [line for chunk in LogChunk.unscoped.order_by("pk") for line in unpack_lines(chunk.body)]


def test_lines_are_stored_as_they_were_sent_and_numbered_without_gaps(shop, acme):
    first = send(shop, b'{"a": 1.50, "t": "\xc3\xa4"}\r\n\n {"b":2}')
    second = send(shop, ndjson({"c": 3}), key="key 2")
    assert first.status_code == 202, first.content
    (chunk,) = first.json()["chunks"]
    assert first.json()["received"] == 2
    assert (chunk["tenant"], chunk["first_line"], chunk["last_line"]) == ("acme", 0, 1)
    assert second.json()["chunks"][0]["first_line"] == 2
    texts = [line.partition(b" ")[2] for line in stored_lines()]
    assert texts == [b'{"a": 1.50, "t": "\xc3\xa4"}', b'{"b":2}', b'{"c": 3}']
    assert Log.objects.of(acme).get().next_line == 3


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("2026-11-25T12:00:00Z", b"1795608000.000000"),
        ("2026-11-25T13:00:00.25+01:00", b"1795608000.250000"),
        (1795608000.5, b"1795608000.500000"),
        (1795608000500, b"1795608000.500000"),
    ],
)
def test_the_time_of_a_line_is_read_in_each_common_form(shop, time, seconds):
    assert send(shop, ndjson({"time": time})).status_code == 202
    assert stored_lines()[0].split()[0] == seconds


BAD = {
    "no JSON": (b"{", "Line 2: Expecting property name"),
    "an array": (b"[1]", "Line 2: A line must be a JSON object"),
    "an empty object": (b"{}", "Line 2: A line must be a JSON object"),
    "text": (b"2026-11-25 started", "Line 2: "),
    "a name twice": (b'{"a": 1, "a": 2}', "Line 2: The name 'a' occurs twice"),
    "NaN": (b'{"a": NaN}', "Line 2: NaN is not JSON"),
    "no UTF-8": (b'{"a": "\xff"}', "Line 2: The body is not valid UTF-8"),
    "a NUL": (b'{"a": "\\u0000"}', "Line 2: A string contains a NUL"),
    "a time without offset": (b'{"time": "2026-11-25T12:00:00"}', "Line 2: “time” must be"),
    "a time of no era": (b'{"time": 1e300}', "Line 2: “time” must be"),
    "a time that is true": (b'{"time": true}', "Line 2: “time” must be"),
    "a time that is null": (b'{"time": null}', "Line 2: “time” must be"),
}


@pytest.mark.parametrize(("line", "reason"), BAD.values(), ids=BAD)
def test_a_bad_line_refuses_the_request_and_is_named(shop, line, reason):
    answer = send(shop, b'{"fine": 1}\n' + line + b"\n")
    status, code, detail = problem(answer)
    assert (status, code) == (400, "invalid-line")
    assert detail.startswith(reason)
    assert answer.json()["errors"][0]["pointer"] == "/1"
    assert stored_lines() == []


@pytest.mark.parametrize("body", [b"", b"\n \n"])
def test_a_request_without_lines_is_refused(shop, body):
    assert problem(send(shop, body))[:2] == (400, "validation-failed")


def test_the_idempotency_key_is_required(shop):
    assert problem(send(shop, ndjson({"a": 1}), key=None))[:2] == (400, "validation-failed")


def test_a_repeated_request_gets_the_first_answer_and_is_stored_once(shop):
    first = send(shop, ndjson(*entries(3)))
    again = send(shop, ndjson(*entries(3)))
    assert again.json() == first.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again["Idempotency-Replayed"] == "true"
    assert len(stored_lines()) == 3


def test_a_key_is_not_used_for_other_lines(shop):
    send(shop, ndjson({"a": 1}))
    assert problem(send(shop, ndjson({"a": 2})))[:2] == (422, "idempotency-key-reused")
    assert len(stored_lines()) == 1


def test_a_key_is_another_one_at_another_tenant(make, api, shop):
    send(shop, ndjson({"a": 1}))
    assert send(api.of(make.tenant("globex")), ndjson({"a": 2})).status_code == 202


def test_a_platform_key_names_the_tenant_in_the_query_or_in_each_line(make, api, acme):
    make.tenant("globex")
    platform = api.platform()
    assert problem(send(platform, ndjson({"a": 1})))[:2] == (400, "tenant-required")
    assert send(platform, ndjson({"a": 1}), url=f"{LOGS}?tenant=acme").status_code == 202
    mixed = ndjson({"tenant": "acme", "a": 2}, {"tenant": "globex", "a": 3})
    answer = send(platform, mixed, key="key 2")
    chunks = [(c["tenant"], c["first_line"], c["line_count"]) for c in answer.json()["chunks"]]
    assert chunks == [("acme", 1, 1), ("globex", 0, 1)]


def test_a_line_does_not_name_another_tenant(make, api, shop):
    make.tenant("globex")
    body = ndjson({"a": 1}, {"tenant": "globex"})
    status, code, detail = problem(send(shop, body))
    assert (status, code, detail) == (404, "tenant-not-found", "Line 2: Its tenant is unknown.")
    assert problem(send(shop, ndjson({"a": 1}), url=f"{LOGS}?tenant=globex"))[0] == 404
    assert stored_lines() == []


@pytest.mark.corrections(item="1.5")
def test_a_line_with_a_masked_secret_keeps_all_digits_of_its_numbers(shop):
    line = b'{"message": "paid", "password": "a", "total": 1234567890123456.78}\n'
    assert send(shop, line).status_code == 202
    assert b"1234567890123456.78" in unpack_lines(LogChunk.unscoped.get().body)[0]


def test_secrets_are_masked_and_the_lines_stay_json(shop):
    text = 'Authorization: Bearer abcdefgh12345678 password=hunter2\\" and more'
    key = "-----BEGIN PRIVATE KEY-----\nMIIE\nabc"
    secret = {"message": text, "password": 'a"b', "nested": [{"key": key}]}
    assert send(shop, ndjson(secret, {"message": "fine", "n": 1.50})).status_code == 202
    first, second = (line.partition(b" ")[2] for line in stored_lines())
    masked = json.loads(first)
    assert masked["password"] == "***"
    assert masked["nested"] == [{"key": "-----BEGIN PRIVATE KEY-----***"}]
    assert "abcdefgh" not in masked["message"] and "hunter2" not in masked["message"]
    assert second == b'{"message": "fine", "n": 1.5}'


def test_at_most_a_mebibyte_is_taken(shop):
    line = b'{"a": "' + b"x" * 1000 + b'"}\n'
    assert send(shop, line * 1038).status_code == 202
    assert problem(send(shop, line * 1040, key="key 2"))[:2] == (413, "payload-too-large")


def test_a_request_has_a_limited_number_of_lines(shop):
    assert problem(send(shop, b'{"a":1}\n' * 50_001))[:2] == (413, "payload-too-large")
    assert stored_lines() == []


@pytest.mark.corrections(item="3.8")
@pytest.mark.parametrize("size", [1024 * 1024, 8 * 1024 * 1024])
@pytest.mark.parametrize("blank", [b"\n", b" \n", b"\r\n"])
def test_a_body_of_blank_lines_is_refused_before_it_is_cut(shop, blank, size):
    started_at = time.thread_time()
    refused = problem(send(shop, blank * (size // len(blank))))
    assert refused[:2] == (413, "payload-too-large") and stored_lines() == []
    assert time.thread_time() - started_at < 2


@pytest.mark.corrections(item="3.8")
def test_blank_lines_take_no_memory():
    document = b"\n" * (256 * 1024)
    tracemalloc.start()
    try:
        assert list(parse_lines(document, now=NOON)) == []
        assert tracemalloc.get_traced_memory()[1] < 256 * 1024
    finally:
        tracemalloc.stop()


def test_another_format_is_refused(shop):
    answer = shop.post(LOGS, {"a": 1}, format="json", HTTP_IDEMPOTENCY_KEY="key 1")
    assert problem(answer)[:2] == (415, "unsupported-media-type")


def test_bytes_of_lines_are_limited_for_each_key(make, api):
    shop = api.of(make.tenant("small", limits={"log_bytes": 2000}))
    line = ndjson({"a": "x" * 900})
    assert send(shop, line).status_code == 202
    assert problem(send(shop, line, key="key 2"))[:2] == (429, "quota-exceeded")
    assert len(stored_lines()) == 1


def test_a_request_takes_a_fixed_number_of_statements(
    make, api, acme, django_assert_max_num_queries
):
    references = [make.tenant(f"tenant-{number}").reference for number in range(10)]
    body = ndjson(*({"tenant": reference, "n": n} for reference in references for n in range(30)))
    platform = api.platform()
    send(platform, body)
    with django_assert_max_num_queries(12):
        assert send(platform, body + ndjson({"tenant": "acme"}), key="key 2").status_code == 202


def test_the_position_counts_what_waits(shop, acme):
    empty = shop.get(LOGS).json()
    assert (empty["received"], empty["backlog"], empty["lag_seconds"]) == (0, 0, 0)
    send(shop, ndjson(*entries(5)))
    LogPosition.unscoped.update(shipped_line=3, dropped_count=1, rejected_count=1)
    position = shop.get(LOGS).json()
    assert (position["tenant"], position["received"], position["shipped"]) == ("acme", 5, 1)
    assert (position["dropped"], position["rejected"], position["backlog"]) == (1, 1, 2)
    assert position["lag_seconds"] > 0
    assert [log["source"] for log in position["logs"]] == ["api"]


def test_lines_behind_a_batch_that_waits_count_as_shipped_if_acknowledged(shop):
    send(shop, ndjson(*entries(10)))
    waits = {"first": 0, "count": 4, "channel": 0, "ticket": 7, "sent_at": 0.0}
    settled = {"first": 4, "count": 5, "channel": 1, "ticket": None, "sent_at": 0.0}
    LogPosition.unscoped.update(batches=[waits, settled])
    position = shop.get(LOGS).json()
    assert (position["shipped"], position["backlog"]) == (5, 5)
    assert position["logs"][0]["unacknowledged"] == 4


def test_the_position_of_a_tenant_is_its_own(make, api, shop):
    send(shop, ndjson({"a": 1}))
    globex = api.of(make.tenant("globex"))
    assert globex.get(LOGS).json()["received"] == 0
    assert problem(globex.get(f"{LOGS}?tenant=acme"))[0] == 404
    assert problem(api.platform().get(LOGS))[1] == "tenant-required"
    assert api.platform().get(f"{LOGS}?tenant=acme").json()["received"] == 1
