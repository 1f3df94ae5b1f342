"""A body's framing, length, time and share."""

import json
import time

import pytest

from tests.hub.asgi_bridge.asgi_client import CHUNKED, DISCONNECT, Echo, ask, front_for


def code_of(client):
    return client.status, json.loads(client.body)["code"]


def build_body_part(body):
    return {"type": "http.request", "body": body, "more_body": True}


def test_a_body_that_does_not_arrive_in_time_is_refused():
    assert code_of(ask(front_for(Echo(), body_seconds=0.01), [build_body_part(b"[")])) == (
        408,
        "request-timeout",
    )


def test_a_body_that_drips_has_no_more_time_than_its_bytes_are_worth():
    drips = [build_body_part(b"x")] * 100
    assert code_of(
        ask(front_for(Echo(), body_seconds=0.01, body_bytes_per_second=10**6), drips)
    ) == (
        408,
        "request-timeout",
    )


def test_a_large_body_that_arrives_steadily_has_the_time_that_it_needs():
    front = front_for(Echo(), body_seconds=0.2, body_bytes_per_second=1)
    assert ask(front, [build_body_part(b"x" * 100)] * 50 + [b"x"]).status == 200


@pytest.mark.parametrize("headers", [[CHUNKED], [("Content-Length", "1001")]])
def test_a_body_has_an_end(headers):
    assert code_of(ask(front_for(Echo(), body_bytes=1000), [b"x" * 1001], headers=headers)) == (
        413,
        "payload-too-large",
    )


def test_a_length_that_is_too_large_is_refused_before_the_body_is_read():
    assert code_of(ask(front_for(Echo()), [], headers=[("Content-Length", "99999999")]))[0] == 413


@pytest.mark.parametrize("pieces", [[build_body_part(b"abc"), DISCONNECT], [DISCONNECT], [b"abc"]])
def test_a_body_that_was_cut_reaches_no_view(pieces):
    echo = Echo()
    client = ask(front_for(echo), pieces, headers=[("Content-Length", "4")])
    assert code_of(client) == (400, "unreadable-body") and not hasattr(echo, "body")


@pytest.mark.parametrize(
    "headers",
    [
        [CHUNKED, ("Content-Length", "4")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "identity")],
        [("Transfer-Encoding", "")],
        [("Content-Length", "-4")],
        [("Content-Length", "4, 4")],
        [("Content-Length", "\xb2")],
    ],
)
def test_a_body_of_two_lengths_or_another_coding_is_refused(headers):
    assert code_of(ask(front_for(Echo()), [b"body"], headers=headers)) == (400, "bad-request")


def test_bodies_share_a_budget_of_bytes():
    client = ask(front_for(Echo(), all_bodies_bytes=1000), [b"x" * 1001])
    assert code_of(client) == (503, "overloaded") and client.headers["retry-after"] == "1"


def test_one_client_has_a_share_of_the_budget():
    front = front_for(Echo(), all_bodies_bytes=1000, bodies_bytes_per_client=250)
    front.bodies.acquire(200, "192.0.2.1")
    statuses = [
        ask(front, [b"x" * 100], client=client).status for client in ("192.0.2.1", "192.0.2.2")
    ]
    assert statuses == [503, 200]


def test_the_addresses_of_one_ipv6_network_share_it():
    front = front_for(Echo(), all_bodies_bytes=1000, bodies_bytes_per_client=250)
    front.bodies.acquire(200, "2001:db8::/64")
    statuses = [
        ask(front, [b"x" * 100], client=client).status
        for client in ("2001:db8::7", "2001:db8:0:1::7")
    ]
    assert statuses == [503, 200]


def test_a_client_that_sent_much_may_not_stand_still_for_long():
    started_at = time.monotonic()
    front = front_for(Echo(), body_seconds=0.1, body_bytes_per_second=1000)
    assert code_of(ask(front, [build_body_part(b"x" * 100_000)])) == (
        408,
        "request-timeout",
    )  # its bytes would be worth 100 s
    assert time.monotonic() - started_at < 5
