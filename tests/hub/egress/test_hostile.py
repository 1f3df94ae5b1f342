"""Destinations that do everything to keep, flood or confuse us: each attempt ends in time, with
little in hand.
"""

import asyncio
import gzip
import logging
import time
import traceback

import pytest
import uvloop

from connectors.http import DEFAULT_RESPONSE_BYTES_MAX, Request
from hub.egress import EgressError, EgressRules, RequestNotSent, ResponseNotReceived
from hub.egress.async_client import open_async_client
from tests.hub.egress.conftest import NOON

DEADLINE = 0.4
PATIENT = 5.0  # what ends by itself may take its time on a busy machine
SECRET = "xoxb-canary"

TIMED_OUT = [
    "drip-headers",
    "drip-header-lines",
    "drip-body",
    "drip-body-open-ended",
    "silent",
]
UNANSWERED = {
    **dict.fromkeys(TIMED_OUT, {"timed_out"}),
    "continue-flood": {"timed_out", "bad_answer"},
    "lying-length": {"connection_lost"},
    "broken-chunk": {"connection_lost", "bad_answer"},
    "cut-chunks": {"connection_lost"},
    "reset": {"connection_lost"},
    "mute": {"connection_lost"},
    **dict.fromkeys(["negative-chunk", "no-status", "switching", "garbage"], {"bad_answer"}),
    "huge-header": {"bad_answer"},
    "many-headers": {"bad_answer"},
}


def send_unanswered(send, request, rules, timeout=DEADLINE):
    with pytest.raises(ResponseNotReceived) as failure:
        send(request, rules, timeout=timeout)
    return failure.value.reason


@pytest.mark.parametrize("mode", UNANSWERED)
def test_an_attempt_ends_in_time_and_may_have_arrived(send, sandbox, hostile, mode):
    timeout = DEADLINE if "timed_out" in UNANSWERED[mode] else PATIENT
    start = time.monotonic()
    assert (
        send_unanswered(send, Request("POST", hostile.url(mode), json={"a": 1}), sandbox, timeout)
        in UNANSWERED[mode]
    )
    assert time.monotonic() - start < PATIENT
    assert len(hostile.heard) == 1


def test_a_server_that_never_accepts_may_have_got_it(send, canary):
    place = f"127.0.0.1:{canary.port}"
    rules = EgressRules(allow=frozenset({place}))
    assert send_unanswered(send, Request("POST", f"http://{place}/", json={}), rules) == "timed_out"


def test_a_closed_port_got_nothing(send, attempts):
    with pytest.raises(RequestNotSent) as failure:
        send(
            Request("POST", "http://127.0.0.1:1/", json={}),
            EgressRules(allow=frozenset({"127.0.0.1:1"})),
        )
    assert (failure.value.reason, failure.value.permanent, len(attempts)) == (
        "connect_failed",
        False,
        1,
    )


@pytest.mark.parametrize("mode", ["long", "endless", "endless-chunks"])
def test_of_a_long_answer_the_start_is_kept(send, sandbox, hostile, mode):
    response = send(Request("GET", hostile.url(mode)), sandbox, timeout=5.0)
    assert (response.status, len(response.body), response.is_truncated) == (
        200,
        DEFAULT_RESPONSE_BYTES_MAX,
        True,
    )


def test_as_much_is_kept_as_the_request_asks_for(send, sandbox, hostile):
    response = send(Request("GET", hostile.url("ok"), response_bytes_max=3), sandbox)
    assert (response.body, response.is_truncated) == (b"fin", True)
    response = send(Request("GET", hostile.url("ok"), response_bytes_max=4), sandbox)
    assert (response.body, response.is_truncated) == (b"fine", False)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(send, sandbox, hostile, status, attempts):
    assert (
        send(Request("POST", hostile.url(f"redirect-{status}"), json={}), sandbox).status == status
    )
    assert (len(hostile.heard), len(attempts)) == (1, 1)


def test_a_compressed_answer_stays_as_it_was_sent(send, sandbox, hostile):
    response = send(Request("GET", hostile.url("gzip")), sandbox)
    assert gzip.decompress(response.body) == b"0" * 1_000_000
    assert b"accept-encoding: identity\r\n" in hostile.heard[0].lower()


def test_headers_of_an_answer_can_be_stored_anywhere(send, sandbox, hostile):
    note = send(Request("GET", hostile.url("strange-header")), sandbox).headers["x-note"]
    assert note.isprintable()
    note.encode()


def test_repeated_headers_are_joined_and_cookies_dropped(send, sandbox, hostile):
    response = send(Request("GET", hostile.url("cookie")), sandbox)
    assert response.headers == {"x-seen": "a, b", "content-length": "0"}


def test_an_answer_carries_the_moment_of_the_clock(send, sandbox, hostile):
    assert send(Request("GET", hostile.url("ok")), sandbox).at == NOON


@pytest.mark.parametrize(
    "mode",
    [
        "ok",
        "garbage",
        "mute",
        "silent",
        "redirect-308",
        "lying-length",
        "huge-header",
        "broken-header",
    ],
)
def test_no_secret_is_in_a_log_or_an_exception(send, sandbox, hostile, mode, caplog):
    caplog.set_level(logging.DEBUG)
    request = Request(
        "POST", hostile.url(f"{mode}?token={SECRET}"), headers={"X-Key": SECRET}, bearer=SECRET
    )
    try:
        send(request, sandbox, timeout=DEADLINE)
    except EgressError as error:
        assert error.__context__ is None
        assert SECRET not in repr(error) + "".join(traceback.format_exception(error))
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("request_of", "expected"),
    [
        (lambda url: Request("POST", url, json={"a": "é"}), b'{"a":"\xc3\xa9"}'),
        (lambda url: Request("POST", url, form={"a": "b c"}), b"a=b+c"),
        (lambda url: Request("PUT", url, body=b"\x00\xff"), b"\x00\xff"),
        (lambda url: Request("POST", url), b""),
        (lambda url: Request("POST", url, body=b"x" * 1_500_000), b"x" * 1_500_000),
    ],
    ids=["json", "form", "bytes", "nothing", "large"],
)
def test_a_body_arrives_byte_for_byte(send, sandbox, hostile, request_of, expected):
    send(request_of(hostile.url("ok")), sandbox)
    head, _, body = hostile.heard[0].partition(b"\r\n\r\n")
    assert body == expected
    assert head.lower().count(b"content-length: %d" % len(expected)) == 1


def send_in_turn(rules, *requests):
    async def main():
        async with open_async_client(rules, clock=lambda: NOON) as send:
            return [await send(request) for request in requests]

    return uvloop.run(main())


def test_deliveries_share_a_connection_but_no_cookie(sandbox, hostile):
    send_in_turn(
        sandbox,
        Request("POST", hostile.url("cookie"), json={}),
        Request("POST", hostile.url("cookie"), json={}),
    )
    assert hostile.met == 1
    assert b"tenant=acme" not in b"".join(hostile.heard)


def test_a_cut_connection_is_not_used_again(sandbox, hostile):
    send_in_turn(sandbox, Request("GET", hostile.url("long")), Request("GET", hostile.url("ok")))
    assert hostile.met == 2


def test_a_slow_destination_delays_no_other_call(sandbox, hostile):
    async def main():
        async with open_async_client(sandbox, clock=lambda: NOON, timeout=DEADLINE) as send:
            slow = [
                asyncio.create_task(send(Request("POST", hostile.url("silent")))) for _ in range(20)
            ]
            quick = await asyncio.gather(
                *(send(Request("POST", hostile.url("ok"))) for _ in range(20))
            )
            return (
                quick,
                any(task.done() for task in slow),
                await asyncio.gather(*slow, return_exceptions=True),
            )

    quick, slow_was_done, slow = uvloop.run(main())
    assert {response.status for response in quick} == {200}
    assert not slow_was_done
    assert {error.reason for error in slow} == {"timed_out"}


def test_waiting_for_a_free_socket_is_not_sending(sandbox, hostile):
    async def main():
        async with open_async_client(
            sandbox, clock=lambda: NOON, timeout=DEADLINE, limit=1
        ) as send:
            both = [send(Request("POST", hostile.url("silent"))) for _ in range(2)]
            return await asyncio.gather(*both, return_exceptions=True)

    first, second = uvloop.run(main())
    assert (first.reason, second.reason) == ("timed_out", "connect_failed")
    assert isinstance(second, RequestNotSent)


def test_a_server_can_be_named_by_its_ipv6_address(send, canary, attempts):
    rules = EgressRules(allow=frozenset({f"[::1]:{canary.port}"}))
    assert (
        send_unanswered(send, Request("GET", f"http://[::1]:{canary.port}/"), rules) == "timed_out"
    )
    assert attempts == [("::1", canary.port)]
