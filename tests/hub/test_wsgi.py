"""What stands between granian and Django."""

import importlib
import io
import json
from wsgiref.util import setup_testing_defaults

import pytest

from hub.frontdoor import FrontDoor
from hub.secrets import KeyCanary, WrongKey


class Echo:
    """A Django that tells what it got."""

    def __call__(self, environ, start_response):
        self.environ = environ
        self.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [])
        return [self.body]


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
def knock(echo):
    def knock(body=b"", **environ):
        told = {}
        setup_testing_defaults(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        answer = FrontDoor(echo)(environ, lambda status, headers: told.update(status=status, headers=dict(headers)))
        sent = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return told["status"], told["headers"], sent

    return knock


def test_the_environment_of_the_process_stays_outside(knock, echo, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy")
    knock(DATABASE_URL="postgresql://hub:secret@db", HUB_SECRET_KEY="secret", HTTP_PROXY="http://user:secret@proxy")
    assert "secret" not in str(echo.environ)


def test_what_the_request_carries_comes_in(knock, echo):
    knock(HTTP_AUTHORIZATION="Bearer x", QUERY_STRING="a=1", CONTENT_TYPE="application/json", REMOTE_ADDR="10.0.0.1")
    names = {
        "HTTP_AUTHORIZATION",
        "QUERY_STRING",
        "CONTENT_TYPE",
        "REMOTE_ADDR",
        "PATH_INFO",
        "wsgi.input",
        "wsgi.errors",
    }
    assert names <= set(echo.environ)


PROXY = {"REMOTE_ADDR": "10.0.0.1"}


@pytest.mark.parametrize(
    ("told", "caller"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7,2001:DB8::7", "2001:db8::7"),
        ("", "10.0.0.1"),
        ("203.0.113.7, nobody", "10.0.0.1"),
        ("<script>", "10.0.0.1"),
    ],
)
def test_behind_a_proxy_the_caller_is_the_one_that_the_proxy_has_seen(knock, echo, settings, told, caller):
    settings.HUB_BEHIND_TLS_PROXY = True
    knock(HTTP_X_FORWARDED_FOR=told, **PROXY)
    assert echo.environ["REMOTE_ADDR"] == caller


def test_without_a_proxy_nobody_says_who_they_are(knock, echo):
    knock(HTTP_X_FORWARDED_FOR="203.0.113.7", **PROXY)
    assert echo.environ["REMOTE_ADDR"] == "10.0.0.1"


def test_a_chunked_body_gets_a_length(knock):
    body = b"x" * 3_000_000
    assert knock(body, HTTP_TRANSFER_ENCODING="Chunked")[2] == body


def test_a_chunked_body_has_an_end(knock, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    status, _, answer = knock(b"x" * 1001, HTTP_TRANSFER_ENCODING="chunked")
    assert (status[:3], json.loads(answer)["code"]) == ("413", "payload-too-large")


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "4"},
        {"HTTP_TRANSFER_ENCODING": "chunked", "HTTP_CONTENT_LENGTH": "4"},
        {"HTTP_TRANSFER_ENCODING": "gzip, chunked"},
        {"HTTP_TRANSFER_ENCODING": "identity"},
        {"HTTP_TRANSFER_ENCODING": ""},
    ],
)
def test_a_body_of_two_lengths_or_another_coding_is_refused(knock, headers):
    status, told, answer = knock(b"body", **headers)
    problem = json.loads(answer)
    assert (status, problem["code"]) == ("400 Bad Request", "bad-request")
    assert problem["request_id"] == told["X-Request-Id"]


@pytest.mark.django_db
def test_under_a_wrong_key_it_does_not_start():
    KeyCanary.objects.all().delete()
    with pytest.raises(WrongKey):
        importlib.import_module("hub.wsgi")
