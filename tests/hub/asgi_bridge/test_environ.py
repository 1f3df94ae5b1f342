"""What Django hears of a request."""

import pytest

from hub.asgi_bridge.environ import client_network
from tests.hub.asgi_bridge.asgi_client import Echo, ask, front_for


@pytest.fixture
def environ():
    def environ(*headers, behind_proxy=False, **request):
        echo = Echo()
        ask(front_for(echo, behind_proxy=behind_proxy), [], headers=headers, **request)
        return echo.environ

    return environ


def test_the_environment_of_the_process_stays_outside(environ, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://hub:secret@db")
    assert "secret" not in str(environ())


def test_what_the_request_carries_comes_in(environ):
    seen = environ(
        ("Authorization", "Bearer x"), ("Content-Type", "application/json"), method="GET", path="/é"
    )
    assert {
        name: seen[name]
        for name in ("HTTP_AUTHORIZATION", "CONTENT_TYPE", "REQUEST_METHOD", "QUERY_STRING")
    } == {
        "HTTP_AUTHORIZATION": "Bearer x",
        "CONTENT_TYPE": "application/json",
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": "a=%20b",
    }
    assert (seen["PATH_INFO"].encode("latin-1").decode(), seen["REMOTE_ADDR"]) == (
        "/é",
        "192.0.2.1",
    )
    assert (seen["SERVER_NAME"], seen["SERVER_PORT"], seen["SERVER_PROTOCOL"]) == (
        "127.0.0.1",
        "8000",
        "HTTP/1.1",
    )


def test_headers_that_are_repeated_are_joined(environ):
    seen = environ(("X-A", "1"), ("X-A", "2"), ("Cookie", "a=1"), ("Cookie", "b=2"))
    assert (seen["HTTP_X_A"], seen["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")


def test_a_header_with_an_underscore_passes_for_no_other(environ):
    assert "HTTP_X_FORWARDED_FOR" not in environ(("X_Forwarded_For", "203.0.113.7"))


@pytest.mark.parametrize(
    ("added", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7,2001:DB8::7", "2001:db8::7"),
        ("", "192.0.2.1"),
        ("203.0.113.7, nobody", "192.0.2.1"),
        ("<script>", "192.0.2.1"),
    ],
)
def test_behind_a_proxy_the_client_is_the_one_that_the_proxy_has_seen(environ, added, client):
    assert environ(("X-Forwarded-For", added), behind_proxy=True)["REMOTE_ADDR"] == client


def test_without_a_proxy_a_header_changes_no_address(environ):
    assert environ(("X-Forwarded-For", "203.0.113.7"))["REMOTE_ADDR"] == "192.0.2.1"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:0:7", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("203.0.113.7", "203.0.113.8", False),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "unix:", False),
    ],
)
def test_addresses_of_one_network_are_one_client(one, other, same):
    assert (client_network(one) == client_network(other)) is same
