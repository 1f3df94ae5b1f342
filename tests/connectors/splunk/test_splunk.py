"""Splunk: what the collector answers, and what we understand."""

import json
from decimal import Decimal

import pytest

from connectors.http import Response
from connectors.schema import Account
from connectors.splunk.connector import Splunk
from connectors.splunk.errors import OUTCOMES_BY_CODE
from connectors.splunk.schema import parse_time
from tests.connectors.recorded import (
    LATER,
    NOON,
    credential,
    fixtures,
    kinds,
    message,
    messages,
    recorded,
)

SPLUNK = Splunk()
SEND, RAW = SPLUNK.actions
EVENT = {"event": "a", "time": 1764000000.123}
FIVE = messages(5, EVENT)
TICKET = f"7:{int(NOON.timestamp())}"
EXPECTED = {
    "send_event__code_00": ("delivered", "", None),
    "send_event__code_01": ("reconnect", "code_1", None),
    "send_event__code_02": ("reconnect", "code_2", None),
    "send_event__code_03": ("reconnect", "code_3", None),
    "send_event__code_04": ("reconnect", "code_4", None),
    "send_event__code_05": ("never", "code_5", None),
    "send_event__code_06": ("never", "code_6", None),
    "send_event__code_07": ("never", "code_7", None),
    "send_event__code_08": ("unknown", "code_8", None),
    "send_event__code_09": ("later", "throttled", 10.0),
    "send_event__code_10": ("reconnect", "code_10", None),
    "send_event__code_11": ("never", "code_11", None),
    "send_event__code_12": ("never", "code_12", None),
    "send_event__code_13": ("never", "code_13", None),
    "send_event__code_14": ("reconnect", "code_14", None),
    "send_event__code_15": ("never", "code_15", None),
    "send_event__code_16": ("reconnect", "code_16", None),
    "send_event__code_17": ("unknown", "code_17", None),
    "send_event__code_18": ("later", "throttled", 10.0),
    "send_event__code_19": ("later", "throttled", 10.0),
    "send_event__code_20": ("later", "throttled", 10.0),
    "send_event__code_21": ("reconnect", "code_21", None),
    "send_event__code_22": ("reconnect", "code_22", None),
    "send_event__code_23": ("unknown", "code_23", None),
    "send_event__code_24": ("delivered", "", None),
    "send_event__code_25": ("delivered", "", None),
    "send_event__code_26": ("later", "throttled", 10.0),
    "send_event__code_27": ("later", "throttled", 10.0),
    "send_event__code_28": ("reconnect", "code_28", None),
    "send_event__ack": ("pending", "awaiting_confirmation", 10.0),
    "send_event__wrong_url": ("never", "status_404", None),
    "send_event__not_post": ("never", "status_405", None),
    "send_event__a_page": ("unknown", "unreadable", None),
    "send_event__a_code_of_tomorrow": ("unknown", "code_99", None),
    "send_event__a_balancer_is_busy": ("later", "unavailable", 45.0),
}
PARTIAL = {
    "partial__third_broken": ["delivered", "delivered", "never", "later", "later"],
    "partial__third_broken_on_a_channel": ["pending", "pending", "never", "later", "later"],
    "partial__first_broken": ["never", "later", "later", "later", "later"],
    "partial__last_broken": ["delivered", "delivered", "delivered", "delivered", "never"],
    "partial__wrong_index_counts_from_one": ["delivered", "delivered", "never", "later", "later"],
    "partial__beyond_the_last": ["unknown"] * 5,
    "partial__wrong_index_at_zero": ["unknown"] * 5,
}
ASKED = {"ack__mixed", "ack__a_page", "ack__disabled", "ack__busy"}


def read_confirmation(name, *tickets, at=NOON):
    asked = [message(EVENT, id=ticket, ticket=ticket, at=at) for ticket in tickets]
    return SEND.read_confirmation(recorded("splunk", name), asked)


def ticket(ack):
    return f"{ack}:{int(NOON.timestamp())}"


def test_every_recorded_answer_is_in_a_table():
    assert fixtures("splunk") == sorted({*EXPECTED, *PARTIAL, *ASKED})
    assert {f"send_event__code_{code:02}" for code in OUTCOMES_BY_CODE} <= set(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_reads(name, expected):
    (outcome,) = SEND.read_outcomes(recorded("splunk", name), [message(EVENT)])
    assert (outcome.kind, outcome.reason, outcome.after) == expected


@pytest.mark.parametrize(("name", "expected"), PARTIAL.items())
def test_goes_on_at_the_right_event(name, expected):
    assert kinds(SEND.read_outcomes(recorded("splunk", name), FIVE)) == expected


def test_what_was_not_looked_at_goes_again_at_once_for_free():
    *_, last = SEND.read_outcomes(recorded("splunk", "partial__third_broken"), FIVE)
    assert (last.after, last.costs_no_attempt) == (1.0, True)


def test_what_is_refused_together_goes_again_alone():
    assert (
        kinds(SEND.read_outcomes(recorded("splunk", "send_event__code_06"), FIVE)) == ["later"] * 5
    )
    assert SEND.group_key(message(EVENT, id="a", attempt=3)) != SEND.group_key(
        message(EVENT, id="b", attempt=3)
    )


def test_a_full_queue_costs_no_attempt():
    assert SEND.read_outcomes(recorded("splunk", "send_event__code_26"), FIVE)[0].costs_no_attempt


def test_envelopes_follow_one_another():
    request = SEND.request(messages(2, {**EVENT, "index": None}), credential("splunk"))
    ids = [
        f'{{"event":"a","time":1764000000.123,"fields":{{"delivery_id":"msg-{number}"}}}}'
        for number in (0, 1)
    ]
    assert request.content().decode() == "\n".join(ids)


@pytest.mark.parametrize(
    "value", [1764072000, 1764072000.0, "1764072000", "1764072000.000", "2025-11-25T12:00:00Z"]
)
def test_reads_a_time(value):
    assert parse_time(value) == 1764072000
    assert "e" not in json.dumps(parse_time(value)).lower()


@pytest.mark.corrections(item="1.5")
def test_a_time_with_nanoseconds_is_read():
    time = Decimal("1764072000.123456789")
    assert parse_time(time) == 1764072000.123457
    assert SEND.find_body_problem({"event": "a", "time": time}) == ""


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event": ""},
        {"event": {}},
        {"event": "a", "time": 1.79e18},
        {"event": "a", "time": "1.79E9"},
        {"event": "a", "time": True},
        {"event": "a", "time": 0.00001},
        {"event": "a", "time": "2025-11-25T12:00:00"},
        {"event": "a", "time": ["now"]},
        {"event": "a", "fields": {"a": {"b": "c"}}},
        {"event": "a", "fields": {"a": 1}},
        {"event": "a", "fields": "a"},
        {"event": "a", "index": 1},
        {"event": "a", "colour": "red"},
    ],
)
def test_refuses_an_envelope_that_splunk_would_drop(body):
    assert SEND.find_body_problem(body)


def test_takes_a_full_envelope():
    where = {"host": "h", "source": "s", "sourcetype": "st", "index": "i"}
    assert (
        SEND.find_body_problem(
            {
                "event": {"a": 1},
                "time": "1764000000",
                **where,
                "fields": {"a": "b", "c": ["d", "e"]},
            }
        )
        == ""
    )


def test_an_acknowledgement_leaves_a_ticket():
    (outcome,) = SEND.read_outcomes(recorded("splunk", "send_event__ack"), [message(EVENT)])
    assert outcome.ticket == TICKET


def test_asks_about_each_acknowledgement_once_on_the_same_channel():
    asked = [message(EVENT, ticket=ticket(ack)) for ack in (3, 0, 3)]
    poll, sent = (
        SEND.confirm_request(asked, credential("splunk")),
        SEND.request([message(EVENT)], credential("splunk")),
    )
    assert poll.json == {"acks": [0, 3]}
    assert poll.headers["X-Splunk-Request-Channel"] == sent.headers["X-Splunk-Request-Channel"]


def test_waits_for_what_is_not_acknowledged_yet():
    outcomes = read_confirmation("ack__mixed", ticket(0), ticket(1))
    assert kinds(outcomes) == ["delivered", "pending"]
    assert (outcomes[1].ticket, outcomes[1].after) == (ticket(1), 10.0)


def test_sends_again_what_is_not_acknowledged_within_five_minutes():
    assert kinds(read_confirmation("ack__mixed", ticket(0), ticket(1), at=LATER)) == [
        "delivered",
        "unknown",
    ]


@pytest.mark.parametrize("name", ["ack__a_page", "ack__busy"])
def test_a_poll_that_goes_wrong_is_asked_again(name):
    assert kinds(read_confirmation(name, ticket(0))) == ["pending"]
    assert kinds(read_confirmation(name, ticket(0), at=LATER)) == ["unknown"]


def test_a_token_without_acknowledgement_is_a_matter_for_a_person():
    assert kinds(read_confirmation("ack__disabled", ticket(0))) == ["reconnect"]


def test_a_channel_belongs_to_the_token():
    def channel(**secret):
        return SEND.request([message(EVENT)], credential("splunk", **secret)).headers[
            "X-Splunk-Request-Channel"
        ]

    assert channel() == channel() != channel(secret={"token": "another"})


def test_no_channel_where_nothing_is_acknowledged():
    plain = credential(
        "splunk", settings={"url": "https://splunk.example.com:8088", "use_ack": False}
    )
    assert "X-Splunk-Request-Channel" not in SEND.request([message(EVENT)], plain).headers


def test_raw_text_goes_with_its_metadata_in_the_query():
    request = RAW.request(
        [message({"text": "a b", "source": "x&y", "index": None})], credential("splunk")
    )
    assert request.url == "https://splunk.example.com:8088/services/collector/raw?source=x%26y"
    assert request.content() == b"a b"


def test_no_data_proves_that_the_token_lives():
    probed = SPLUNK.parse_probe(recorded("splunk", "send_event__code_05"), credential("splunk"))
    assert probed == Account("", "splunk.example.com")
    assert (
        SPLUNK.parse_probe(recorded("splunk", "send_event__code_04"), credential("splunk")).kind
        == "reconnect"
    )


@pytest.mark.parametrize(
    "body", [b"{}", b'{"code":"0"}', b'{"code":true}', b'{"code":0,"ackId":"7"}']
)
def test_an_answer_that_is_not_splunk_s_is_unknown(body):
    assert kinds(SEND.read_outcomes(Response(200, body), FIVE)) == ["unknown"] * 5


def test_a_collector_url_has_a_host():
    for url in ("nonsense", "https://[::1"):
        assert SPLUNK.find_credential_problem(credential("splunk", settings={"url": url}))
