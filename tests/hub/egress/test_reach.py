"""What no way out connects to, whoever asks and whatever the name says."""

import asyncio
import itertools
import socket
import threading
import time

import pytest
import uvloop

from connectors.http import Request
from hub.egress import EgressRefused, EgressRules, RequestNotSent
from hub.egress.async_client import GuardedResolver, open_async_client
from hub.egress.deadline_socket import DeadlineSocket
from tests.hub.egress.conftest import NOON
from tests.hub.egress.urls import NAMES, WRITTEN

PUBLIC = "93.184.216.34"


def resolve_to_localhost(name):
    return ["127.0.0.1", "::1"]


def get_refusal(send, url, rules, lookup=resolve_to_localhost):
    with pytest.raises(EgressRefused) as refusal:
        send(Request("POST", url, json={}), rules, lookup=lookup)
    return refusal.value.rule


def get_failure(send, lookup, host="example.com", timeout=1.0):
    with pytest.raises(RequestNotSent) as failure:
        send(
            Request("POST", f"https://{host}/", json={}),
            EgressRules(),
            lookup=lookup,
            timeout=timeout,
        )
    return failure.value.reason


@pytest.mark.parametrize("url", WRITTEN, ids=ascii)
def test_nothing_connects_to_an_address_that_leads_inside(send, url, canary, attempts):
    lenient = EgressRules(
        https_only=False,
        ports=frozenset({80, 443, canary.port}),
        own_hosts=frozenset({"hub.example"}),
    )
    get_refusal(send, url.replace("%PORT%", str(canary.port)), lenient)
    assert (attempts, canary.count_connections()) == ([], 0)


@pytest.mark.parametrize("host", NAMES)
def test_one_bad_answer_refuses_the_name(send, host, canary, attempts):
    rules = EgressRules(ports=frozenset({canary.port}), own_hosts=frozenset({"93.184.216.99"}))
    assert (
        get_refusal(send, f"https://{host}:{canary.port}/", rules, NAMES.__getitem__)
        == "denied_address"
    )
    assert (attempts, canary.count_connections()) == ([], 0)


def test_a_name_is_not_asked_again_between_the_check_and_the_connection(send, attempts):
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    assert get_failure(send, lambda name: next(answers)) == "connect_failed"
    assert attempts == [(PUBLIC, 443)]


def test_a_name_that_moves_inside_is_refused_the_next_time(send):
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    get_failure(send, lambda name: next(answers))
    assert (
        get_refusal(send, "https://rebind.test/", EgressRules(), lambda name: next(answers))
        == "denied_address"
    )


def test_of_many_answers_a_few_are_tried(send, attempts):
    assert (
        get_failure(send, lambda name: [f"93.184.216.{n}" for n in range(200)]) == "connect_failed"
    )
    assert 1 <= len(set(attempts)) <= 8


def test_a_public_literal_is_called_without_a_look_up(send, attempts):
    assert get_failure(send, resolve_to_localhost, PUBLIC) == "connect_failed"
    assert attempts == [(PUBLIC, 443)]


@pytest.mark.parametrize("fault", [OSError("NXDOMAIN"), UnicodeError("label too long")], ids=repr)
def test_a_name_that_does_not_resolve_is_a_failure_that_may_pass(send, fault):
    def lookup(name):
        raise fault

    assert get_failure(send, lookup) == "dns_failed"


def test_a_name_without_answers_does_not_resolve(send):
    assert get_failure(send, lambda name: []) == "dns_failed"


def test_a_slow_name_server_has_a_deadline_of_its_own(send):
    release = threading.Event()
    try:
        assert (
            get_failure(send, lambda name: release.wait(30) and [PUBLIC], timeout=0.4)
            == "dns_failed"
        )
    finally:
        release.set()


@pytest.mark.parametrize(
    ("answers", "reason"), [([], "dns_failed"), (["10.0.0.1"], "egress_refused")]
)
def test_deliveries_that_wait_for_the_same_name_all_hear_of_it(answers, reason):
    async def main():
        async with open_async_client(
            EgressRules(), clock=lambda: NOON, lookup=lambda name: answers
        ) as send:
            request = Request("POST", "https://example.com/", json={})
            return await asyncio.gather(*(send(request) for _ in range(20)), return_exceptions=True)

    assert [error.reason for error in uvloop.run(main())] == [reason] * 20


def test_a_name_is_looked_up_once_for_many_deliveries(attempts):
    asked = []

    async def main():
        async with open_async_client(
            EgressRules(), clock=lambda: NOON, lookup=lambda name: asked.append(name) or [PUBLIC]
        ) as send:
            request = Request("POST", "https://example.com/", json={})
            await asyncio.gather(*(send(request) for _ in range(20)), return_exceptions=True)

    uvloop.run(main())
    assert (asked, set(attempts)) == (["example.com"], {(PUBLIC, 443)})


def test_the_socket_is_the_last_to_look():
    gate = GuardedResolver(EgressRules(), NAMES.__getitem__, 1.0)
    with pytest.raises(PermissionError):
        gate.open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 443)))


def test_a_peer_that_is_not_the_checked_address_is_hung_up_on(canary):
    with (
        DeadlineSocket(
            "example.com", canary.port, ["127.0.0.1"], deadline=time.monotonic() + 60
        ) as deadline_socket,
        pytest.raises(EgressRefused),
    ):
        deadline_socket.check_and_guard_socket(
            socket.create_connection(("::1", canary.port)), "127.0.0.1"
        )


def test_a_name_on_the_allow_list_may_be_here(send, hostile):
    desk = EgressRules(allow=frozenset({f"localhost:{hostile.port}"}))
    request = Request("POST", f"http://localhost:{hostile.port}/ok", json={})
    assert send(request, desk, lookup=lambda name: ["127.0.0.1"]).body == b"fine"


def test_the_environment_chooses_no_proxy(send, sandbox, hostile, canary, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    assert send(Request("GET", hostile.url("ok")), sandbox).status == 200
    assert canary.count_connections() == 0


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("CONNECT", {}),
        ("TRACE", {}),
        ("post", {}),
        ("GET /admin HTTP/1.1\r\nX:", {}),
        *(
            ("POST", dict([pair]))
            for pair in itertools.chain(
                itertools.product(
                    ["X-A\r\nX-B", "X A", "X:Y", "", "É", "Host", "content-length", "Cookie"], ["v"]
                ),
                itertools.product(
                    ["X-A"], ["a\r\nX-B: c", "a\nb", " a", "a\x00", "é\u2028", "a\x7f", "x" * 9000]
                ),
            )
        ),
    ],
    ids=ascii,
)
def test_a_header_or_method_cannot_smuggle(send, sandbox, hostile, method, headers, attempts):
    with pytest.raises(EgressRefused):
        send(Request(method, hostile.url("ok"), headers=headers), sandbox)
    assert attempts == []


def test_the_bearer_is_checked_like_every_header(send, sandbox, hostile):
    with pytest.raises(EgressRefused):
        send(Request("GET", hostile.url("ok"), bearer="abc\r\nX-Evil: 1"), sandbox)
