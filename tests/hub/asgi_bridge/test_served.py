"""The web server as the Procfile starts it, met by clients that do not do as they should."""

import contextlib
import http.client
import resource
import socket
import time

import pytest

from bench.installation.web import serving

STALLED = 2000
REQUEST = b"POST /accounts/login/ HTTP/1.1\r\nHost: hub.test\r\n"


@pytest.fixture(scope="module")
def place():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    with serving("tests.hub.asgi_bridge.served:application") as place:
        host, port = place.split(":")
        yield host, int(port)
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def seconds_until_answered(place):
    began = time.monotonic()
    connection = http.client.HTTPConnection(*place, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
    return time.monotonic() - began


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


@pytest.mark.desk
def test_two_thousand_bodies_that_stand_still_delay_nobody(place):
    with contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(place, timeout=10)) for _ in range(STALLED)
        ]
        for line in lines:
            line.sendall(REQUEST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n")
        assert max(seconds_until_answered(place) for _ in range(5)) <= 1
        assert lines[-1].recv(1024).startswith(b"HTTP/1.1 408")  # and none of them stays
        assert seconds_until_answered(place) <= 1


@pytest.mark.desk
def test_a_client_that_asks_first_is_told_to_go_on(place):
    head = REQUEST + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    heard = exchange_bytes(place, head, b"hello")
    assert (
        heard.startswith(b"HTTP/1.1 100 Continue")
        and b"HTTP/1.1 200 OK" in heard
        and heard.endswith(b"hello")
    )


@pytest.mark.desk
def test_a_client_that_asks_first_is_refused_before_it_sends(place):
    heard = exchange_bytes(
        place, REQUEST + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
    )
    assert heard.startswith(b"HTTP/1.1 413") and b"connection: close" in heard


@pytest.mark.desk
def test_a_body_whose_chunks_end_too_early_reaches_nobody(place):
    with socket.create_connection(place, timeout=10) as line:
        line.sendall(REQUEST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1024).startswith(b"HTTP/1.1 400")
