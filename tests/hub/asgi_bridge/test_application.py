"""From a request to its answer."""

import asyncio
import importlib
import json
import threading

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from hub.asgi_bridge.short_chain import ShortChainHandler, route_by_path
from hub.crypto.sealed import KeyCanary, WrongKey
from tests.hub.asgi_bridge.asgi_client import (
    CHUNKED,
    DISCONNECT,
    Client,
    Echo,
    Page,
    Stream,
    ask,
    front_for,
    scope,
)

MEBIBYTE = 1024 * 1024


@pytest.fixture
def echo():
    return Echo()


def test_a_request_reaches_django_and_its_answer_the_client(echo):
    client = ask(front_for(echo), [b"hel", b"lo"])
    assert (client.status, client.body, client.complete) == (200, b"hello", True)
    assert [value for name, value in client.messages[0]["headers"] if name == b"Set-Cookie"] == [
        b"a=1",
        b"b=2",
    ]


@pytest.mark.corrections(item="2.5")
@pytest.mark.django_db(transaction=True)  # Django closes old connections
@pytest.mark.parametrize(
    "path", ["/", "/livez", "/api/v1/me", "/hooks/slack/x/", "/accounts/login/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_thousand_parameters_with_a_charset_are_a_bad_request(path, method):
    chains = {name: ShortChainHandler(chain) for name, chain in settings.HUB_SHORT_CHAINS.items()}
    front = front_for(route_by_path(chains, WSGIHandler()), threads=1)
    headers = [("Host", "hub.test"), ("Content-Type", "text/plain; charset=latin-1")]
    query = b"&".join(b"a=%d" % number for number in range(1001))
    client = ask(front, [], method=method, path=path, headers=headers, query=query)
    assert client.status == 400


def test_a_request_without_a_body_does_not_wait_for_one(echo):
    assert ask(front_for(echo), [], method="GET", headers=[]).status == 200


def test_a_chunked_body_gets_a_length(echo):
    ask(front_for(echo), [b"x" * MEBIBYTE] * 3)
    assert (len(echo.body), echo.environ["CONTENT_LENGTH"]) == (3 * MEBIBYTE, str(3 * MEBIBYTE))
    assert "HTTP_TRANSFER_ENCODING" not in echo.environ


def test_what_django_returned_is_closed_in_its_thread():
    page = Page([b"done"])
    front = front_for(Echo(page), threads=1)
    ask(front)
    wait_until_idle(front)
    assert page.closed


def wait_until_idle(front):
    """Wait until its only thread has nothing more to do."""
    free = threading.Event()
    front.threads.submit(free.set)
    assert free.wait(10)


def test_an_answer_to_head_has_no_body():
    stream = Stream(iter([b"x" * 100]))
    front = front_for(Echo(stream), threads=1)
    client = ask(front, [], method="HEAD", headers=[])
    wait_until_idle(front)
    assert (client.status, client.body, stream.closed) == (200, b"", True)


@pytest.mark.parametrize("size", [10, 300_000, 3 * MEBIBYTE])
@pytest.mark.parametrize("kind", [Page, Stream])
def test_an_answer_of_any_size_arrives_whole(kind, size):
    body = bytes(range(250)) * (size // 250)
    pieces = [body[begin : begin + 4096] for begin in range(0, len(body), 4096)]
    client = ask(front_for(Echo(kind(pieces))))
    assert (client.body, client.complete) == (body, True)


def test_an_answer_that_breaks_off_does_not_look_complete():
    def pieces():
        yield from [b"x" * MEBIBYTE] * 3
        raise ValueError

    client = ask(front_for(Echo(Stream(pieces()))))
    assert client.status == 200 and not client.complete


def test_an_error_that_django_did_not_catch_is_not_the_end_of_a_thread():
    def fails(environ, start_response):
        raise ValueError

    front = front_for(fails, threads=1)
    assert [ask(front).status for _ in range(2)] == [500, 500]


def test_a_client_that_stops_reading_is_left_alone_and_its_thread_is_free_again():
    stream = Stream([b"x" * MEBIBYTE] * 9)
    front = front_for(Echo(stream), piece_seconds=0.05, threads=1)
    client = ask(front, stalls_after=2)
    wait_until_idle(front)
    assert stream.closed and not client.complete


def test_few_threads_wait_for_clients_that_read_slowly():
    front = front_for(Echo(Stream([b"x" * MEBIBYTE] * 9)), long_answers=0)
    client = ask(front)
    assert (client.status, client.headers["retry-after"]) == (503, "1")


def test_one_client_that_reads_slowly_leaves_threads_to_others():
    front = front_for(
        Echo(Stream([b"x" * MEBIBYTE] * 9)), long_answers=8, long_answers_per_client=2
    )
    front.long_answers.acquire(2, "192.0.2.1")
    assert [ask(front, client=client).status for client in ("192.0.2.1", "192.0.2.2")] == [503, 200]


def test_one_client_has_a_share_of_the_answers_that_wait_to_be_read():
    front = front_for(
        Echo(Page([b"x" * MEBIBYTE])),
        all_answers_bytes=8 * MEBIBYTE,
        answers_bytes_per_client=2 * MEBIBYTE,
    )
    front.answers.acquire(2 * MEBIBYTE, "192.0.2.1")
    assert [ask(front, client=client).status for client in ("192.0.2.1", "192.0.2.2")] == [503, 200]


class Gate:
    """A Django that answers when it is told to."""

    def __init__(self):
        self.open, self.busy = threading.Event(), threading.Semaphore(0)

    def __call__(self, environ, start_response):
        self.busy.release()
        assert self.open.wait(10)
        start_response("200 OK", [])
        return Page([b"done"])


def test_beyond_so_many_requests_the_hub_says_when_to_come_again():
    gate = Gate()
    statuses = asyncio.run(
        send_three_requests(front_for(gate, threads=1, requests_in_progress=2), gate)
    )
    assert statuses == [503, 200, 200]


async def send_three_requests(front, gate):
    """The statuses in the order of the answers."""
    clients, statuses = [Client([b"{}"]) for _ in range(3)], []

    async def asks(client):
        await front(scope(headers=[CHUNKED]), client.receive, client.send)
        statuses.append(client.status)
        gate.open.set()

    await asyncio.gather(*map(asks, clients))
    return statuses


def test_bodies_that_stand_still_keep_no_request_waiting(echo):
    statuses = asyncio.run(beside_stalled_bodies(front_for(echo, threads=1)))
    assert statuses == [200] * 3


async def beside_stalled_bodies(front):
    stalled = [
        Client([{"type": "http.request", "body": b"[", "more_body": True}]) for _ in range(500)
    ]
    tasks = [
        asyncio.ensure_future(front(scope(headers=[CHUNKED]), one.receive, one.send))
        for one in stalled
    ]
    await asyncio.sleep(0)
    others = [Client([b"{}"]) for _ in range(3)]
    for client in others:
        await asyncio.wait_for(front(scope(headers=[CHUNKED]), client.receive, client.send), 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [client.status for client in others]


def test_all_bytes_are_given_back_whatever_became_of_the_request(echo):
    front = front_for(echo, body_seconds=0.01, body_bytes=1000)
    for pieces in (
        [b"{}"],
        [b"x" * 1001],
        [b"x", DISCONNECT],
        [{"type": "http.request", "body": b"x", "more_body": True}],
    ):
        ask(front, pieces)
    assert (
        front.bodies.used,
        front.requests.used,
        front.answers.used,
        dict(front.bodies.used_by),
    ) == (0, 0, 0, {})


def test_a_refusal_below_the_api_is_a_problem_and_elsewhere_a_page(echo):
    problem, page = (
        ask(front_for(echo, body_bytes=1), [b"xx"], path=path)
        for path in ("/api/v1/events", "/accounts/login/")
    )
    document = json.loads(problem.body)
    assert (problem.status, document["code"]) == (413, "payload-too-large")
    assert document["request_id"] == problem.headers["x-request-id"]
    assert (
        page.headers["content-type"].startswith("text/html")
        and b"<h1>The body is too large</h1>" in page.body
    )


def test_a_refusal_closes_the_connection_whose_body_was_not_read(echo):
    assert ask(front_for(echo, body_bytes=1), [b"xx"]).headers["connection"] == "close"


def test_it_starts_and_ends_with_the_process(echo):
    client = Client([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    asyncio.run(front_for(echo)({"type": "lifespan"}, client.receive, client.send))
    assert [message["type"] for message in client.messages] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


@pytest.mark.django_db
def test_under_a_wrong_key_it_does_not_start():
    KeyCanary.objects.all().delete()
    with pytest.raises(WrongKey):
        importlib.import_module("hub.asgi")
