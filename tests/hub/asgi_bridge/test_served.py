"""The web server as the Procfile starts it, met by clients that do not do as they should."""

import contextlib
import http.client
import resource
import socket
import time

import pytest

from bench.installation.environments import sqlite_environment
from bench.installation.web import serving

STALLED = 2000
REQUEST = b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def many_files():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)


@pytest.fixture(scope="module")
def place():
    """A front without the hub behind it, which repeats the body."""
    with serving("tests.hub.asgi_bridge.served:application") as place:
        host, port = place.split(":")
        yield host, int(port)


@pytest.fixture(scope="module")
def hub_place(many_files):
    """The hub itself, with a database of its own."""
    address = {"HUB_PUBLIC_URL": "http://127.0.0.1:8000", "HUB_ALLOWED_HOSTS": "127.0.0.1"}
    with sqlite_environment() as environment, serving(settings=environment | address) as place:
        host, port = place.split(":")
        yield host, int(port)


def seconds_until_answered(place, path="/livez", status=200):
    started_at = time.monotonic()
    connection = http.client.HTTPConnection(*place, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        assert connection.getresponse().status == status
    return time.monotonic() - started_at


def exchange_bytes(place, *parts):
    """What the server says to these bytes, sent with half of a second between them, until it
    closes.
    """
    with socket.create_connection(place, timeout=10) as line:
        heard = b""
        for part in parts:
            line.sendall(part)
            line.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                heard += line.recv(65536)
        line.settimeout(10)
        while piece := line.recv(65536):
            heard += piece
    return heard


PAGES = (  # of the hub: without a query, with a session, refused before a body is read
    ("/livez", 200),
    ("/accounts/login/", 200),
    ("/api/v1/me", 401),
)


@pytest.mark.desk
@pytest.mark.timeout(300)  # with the migrations of its database
@pytest.mark.corrections(item="4.11")
def test_two_thousand_stalled_bodies_delay_no_other_request(hub_place):
    for path, status in PAGES:  # the first request of a kind loads its templates
        seconds_until_answered(hub_place, path, status)
    with contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(hub_place, timeout=20))
            for _ in range(STALLED)
        ]
        for line in lines:
            line.sendall(REQUEST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n")
        for path, status in PAGES:
            assert max(seconds_until_answered(hub_place, path, status) for _ in range(5)) <= 1
        assert lines[-1].recv(1024).startswith(b"HTTP/1.1 408")  # and none of them stays
        assert seconds_until_answered(hub_place) <= 1


@pytest.mark.desk
def test_a_client_that_expects_a_continue_gets_it(place):
    head = REQUEST + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    response = exchange_bytes(place, head, b"hello")
    assert (
        response.startswith(b"HTTP/1.1 100 Continue")
        and b"HTTP/1.1 200 OK" in response
        and response.endswith(b"hello")
    )


@pytest.mark.desk
def test_a_client_that_asks_first_is_refused_before_it_sends(place):
    response = exchange_bytes(
        place, REQUEST + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
    )
    assert response.startswith(b"HTTP/1.1 413") and b"connection: close" in response


@pytest.mark.desk
def test_a_body_whose_chunks_end_too_early_reaches_no_view(place):
    with socket.create_connection(place, timeout=10) as line:
        line.sendall(REQUEST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1024).startswith(b"HTTP/1.1 400")
